import { Link } from '@tanstack/react-router'
import type { TableColumnsType } from 'antd'
import type { Push } from '../api/api'
import { useWords } from '../i18n/language'
import { KeysetTable } from '../shared/KeysetTable'
import { Pair } from '../shared/Pair'
import { Time } from '../shared/Time'
import type { Keyset } from '../shared/useKeyset'
import { LadderBar } from './LadderBar'
import { PushStateTag } from './PushStateTag'

export function PushTable({ keyset, withProduct, filtered }: { keyset: Keyset<Push>; withProduct?: boolean; filtered: boolean }) {
  const { t, format } = useWords()
  const columns: TableColumnsType<Push> = [
    { title: t('push.no'), dataIndex: 'no', render: (no: number) => <Link to="/pushes/$no" params={{ no }}>#{no}</Link> },
    ...(withProduct ? [{
      title: t('product.name'), dataIndex: 'productName',
      render: (name: string, p: Push) => <Link to="/products/$productKey" params={{ productKey: p.productKey }} title={p.productKey}>{name || p.productKey}</Link>,
    }] : []),
    { title: t('version.number'), dataIndex: 'version', align: 'end', responsive: ['lg'] },
    { title: t('push.state'), dataIndex: 'state', render: (state: Push['state']) => <PushStateTag state={state} /> },
    { title: t('push.outcome'), key: 'bar', width: '22%', render: (_, p) => <LadderBar push={p} /> },
    { title: t('rung.applied'), key: 'applied', align: 'end', render: (_, p) => <span style={{ whiteSpace: 'nowrap' }}>{format.number(p.applied)} / {format.number(p.total)}</span> },
    { title: t('rung.failed'), dataIndex: 'failed', align: 'end', render: format.number },
    { title: t('push.startedAt'), dataIndex: 'startedAt', render: (at: string, p) => <Pair first={<Time at={at} />} second={p.startedBy} /> },
    { title: t('push.endedAt'), dataIndex: 'endedAt', responsive: ['xxl'], render: (at: string | null) => <Time at={at} /> },
  ]
  return <KeysetTable<Push> keyset={keyset} empty={t(filtered ? 'push.noMatch' : 'push.none')} rowKey="no" columns={columns} />
}
