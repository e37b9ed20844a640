import { Alert, Typography, type TableColumnsType } from 'antd'
import { api, type AuditEntry } from '../api/api'
import { useMay } from '../app/role'
import { useWords } from '../i18n/language'
import { KeysetTable } from '../shared/KeysetTable'
import { PageTitle } from '../shared/PageTitle'
import { Time } from '../shared/Time'
import { useKeyset } from '../shared/useKeyset'

export function AuditPage() {
  const { t } = useWords()
  const may = useMay('admin')
  return (
    <>
      <PageTitle title={t('nav.audit')} />
      {may ? <Entries /> : <Alert type="info" showIcon title={t('role.needs', { role: t('role.admin') })} />}
    </>
  )
}

function Entries() {
  const { t } = useWords()
  const entries = useKeyset(['audit'], api.audit)
  const columns: TableColumnsType<AuditEntry> = [
    { title: t('audit.at'), dataIndex: 'at', render: (at: string) => <Time at={at} /> },
    { title: t('audit.actor'), dataIndex: 'actor' },
    { title: t('audit.address'), dataIndex: 'address' },
    { title: t('audit.action'), dataIndex: 'action', render: (action: string) => <Typography.Text code>{action}</Typography.Text> },
    { title: t('audit.target'), dataIndex: 'target' },
    { title: t('audit.detail'), dataIndex: 'detail', render: (detail: string) => detail || '–' },
  ]
  return <KeysetTable<AuditEntry> keyset={entries} empty={t('audit.none')} rowKey="id" columns={columns} />
}
