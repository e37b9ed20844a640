import { Alert, Flex, Grid, Select, Typography, type TableColumnsType } from 'antd'
import { api, type AuditEntry, type AuditFilter } from '../api/api'
import { useMay } from '../app/role'
import { useWords } from '../i18n/language'
import { ProductSelect } from '../product/ProductSelect'
import { KeysetTable } from '../shared/KeysetTable'
import { PageTitle } from '../shared/PageTitle'
import { Pair } from '../shared/Pair'
import { SearchBox } from '../shared/SearchBox'
import { Time } from '../shared/Time'
import { useKeyset } from '../shared/useKeyset'
import { actions } from './actions'

type Props = { filter: AuditFilter; onFilter: (filter: AuditFilter) => void }

/** AuditPage lists who changed what. */
export function AuditPage(props: Props) {
  const { t } = useWords()
  const may = useMay('admin')
  return (
    <>
      <PageTitle title={t('nav.audit')} />
      {may ? <Entries {...props} /> : <Alert type="info" showIcon title={t('role.needs', { role: t('role.admin') })} />}
    </>
  )
}

function Entries({ filter, onFilter }: Props) {
  const { t } = useWords()
  const entries = useKeyset(['audit', filter], (page, signal) => api.audit({ ...page, ...filter }, signal))
  const wide = Grid.useBreakpoint().lg
  const columns: TableColumnsType<AuditEntry> = [
    { title: t('audit.at'), dataIndex: 'at', render: (at: string) => <Time at={at} /> },
    { title: t('audit.actor'), dataIndex: 'actor', render: (actor: string) => <div style={{ minWidth: 80, overflowWrap: 'anywhere' }}>{actor}</div> },
    { title: t('audit.address'), dataIndex: 'address', responsive: ['lg'] },
    { title: t('audit.action'), dataIndex: 'action', render: (action: string) => <Typography.Text code style={{ whiteSpace: 'nowrap' }}>{action}</Typography.Text> },
    { title: t('audit.target'), dataIndex: 'target', render: (target: string, e) => (wide ? target : <Pair first={target} second={e.detail} />) },
    { title: t('audit.detail'), dataIndex: 'detail', responsive: ['lg'], render: (detail: string) => <div style={{ overflowWrap: 'anywhere' }}>{detail || '–'}</div> },
  ]
  const choices = Object.entries(actions).map(([thing, verbs]) => ({
    label: thing, options: [{ value: thing, label: `${thing}.*` }, ...verbs.map((verb) => ({ value: `${thing}.${verb}`, label: `${thing}.${verb}` }))],
  }))
  const filtered = Object.values(filter).some((value) => value !== undefined)
  return (
    <Flex vertical gap="middle">
      <Flex gap="small" wrap>
        <SearchBox label={t('audit.actor')} value={filter.actor} width={200} onSearch={(actor) => onFilter({ ...filter, actor })} />
        <Select allowClear showSearch value={filter.action} options={choices} placeholder={t('audit.action')} aria-label={t('audit.action')} style={{ width: 200 }}
          onChange={(action: string | undefined) => onFilter({ ...filter, action })} />
        <ProductSelect value={filter.product} onChange={(product) => onFilter({ ...filter, product })} />
      </Flex>
      <KeysetTable<AuditEntry> keyset={entries} empty={t(filtered ? 'audit.noMatch' : 'audit.none')} rowKey="id" columns={columns} />
    </Flex>
  )
}
