import { Card, Flex, Tag, Typography } from 'antd'
import type { Me } from '../api/api'
import { useWords } from '../i18n/language'

/** TrustCard tells whether a code will be asked for in this browser. */
export function TrustCard({ me }: { me: Me }) {
  const { t } = useWords()
  return (
    <Card title={t('trust.title')}>
      <Flex vertical gap="small" align="start">
        <Tag color={me.trusted ? 'success' : 'warning'}>{t(me.trusted ? 'trust.yes' : 'trust.no')}</Tag>
        <Typography.Text type="secondary">{t(me.trusted ? 'trust.yesHint' : 'trust.noHint')}</Typography.Text>
      </Flex>
    </Card>
  )
}
