import { useQuery } from '@tanstack/react-query'
import { Button, Card, Empty, Flex, Skeleton, Tag, theme, Typography } from 'antd'
import type { Message } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Failure } from '../shared/Failure'
import { RefreshIcon } from '../shared/icons'
import { Time } from '../shared/Time'

/** Messages shows what a device and the server said to each other last, as it went over the wire. */
export function Messages({ product, device }: { product: string; device: string }) {
  const { t } = useWords()
  const { data, error, refetch, isFetching } = useQuery(queries.messages(product, device))
  const refresh = <Button icon={<RefreshIcon />} loading={isFetching} onClick={() => void refetch()}>{t('do.refresh')}</Button>
  return (
    <Card title={t('message.title')} extra={refresh}>
      <Flex vertical gap="middle">
        {error && <Failure error={error} retry={refetch} />}
        {!data && !error && <Skeleton active />}
        {data?.length === 0 && <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('message.none')} />}
        {data && data.length > 0 && (
          <div role="region" aria-label={t('message.title')} tabIndex={0} style={{ maxHeight: 480, overflow: 'auto' }}>
            <Flex vertical gap="middle">{data.map((m, i) => <Row key={`${m.at} ${data.length - i}`} message={m} />)}</Flex>
          </div>
        )}
      </Flex>
    </Card>
  )
}

function Row({ message: m }: { message: Message }) {
  const { t } = useWords()
  const { token } = theme.useToken()
  const up = m.direction === 'up'
  const box = { margin: 0, padding: '6px 10px', background: token.colorFillQuaternary, borderRadius: token.borderRadius, fontFamily: token.fontFamilyCode }
  return (
    <Flex vertical gap={4}>
      <Flex gap="small" align="center" wrap>
        <Time at={m.at} />
        <Tag color={up ? 'processing' : 'default'}>{t(up ? 'message.up' : 'message.down')}</Tag>
        <Typography.Text code style={{ overflowWrap: 'anywhere' }}>{m.topic}</Typography.Text>
        <Typography.Text type="secondary">QoS {m.qos}</Typography.Text>
        {m.truncated && <Tag color="warning">{t('message.truncated')}</Tag>}
      </Flex>
      <Typography.Paragraph copyable={{ text: m.payload }} style={{ ...box, whiteSpace: 'pre-wrap', overflowWrap: 'anywhere' }}>
        {m.payload || t('message.empty')}
      </Typography.Paragraph>
    </Flex>
  )
}
