import { useQuery } from '@tanstack/react-query'
import { Button, Descriptions, Flex, Skeleton, Typography } from 'antd'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Dialog } from '../shared/Dialog'
import { Failure } from '../shared/Failure'
import { Time } from '../shared/Time'
import { Editor } from './LazyEditor'

export function VersionDialog({ product, number, onClose }: { product: string; number: number; onClose: () => void }) {
  const { t, format } = useWords()
  const { data: v, error, refetch } = useQuery(queries.version(product, number))
  const title = t('version.title', { n: number })
  return (
    <Dialog title={title} width="min(900px, 94vw)" onCancel={onClose} footer={<Button onClick={onClose}>{t('do.close')}</Button>}>
      {error ? <Failure error={error} retry={refetch} /> : !v ? <Skeleton active /> : (
        <Flex vertical gap="middle">
          <Descriptions size="small" column={{ xs: 1, md: 2 }} items={[
            { key: 'a', label: t('version.author'), children: v.author },
            { key: 't', label: t('version.saved'), children: <Time at={v.createdAt} /> },
            { key: 's', label: t('version.size'), children: format.bytes(v.size) },
            { key: 'n', label: t('version.note'), children: v.note || '–' },
            { key: 'c', label: 'configId', children: <Typography.Text code copyable>{v.configId}</Typography.Text>, span: 'filled' },
            { key: 'd', label: 'SHA-256', children: <Typography.Text code copyable style={{ wordBreak: 'break-all' }}>{v.sha256}</Typography.Text>, span: 'filled' },
          ]} />
          <Editor text={v.content ?? ''} label={title} height="50vh" />
        </Flex>
      )}
    </Dialog>
  )
}
