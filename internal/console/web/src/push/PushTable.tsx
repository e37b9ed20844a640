import { Link } from '@tanstack/react-router'
import type { TableColumnsType } from 'antd'
import type { Push } from '../api/api'
import { useWords } from '../i18n/language'
import { KeysetTable } from '../shared/KeysetTable'
import { Time } from '../shared/Time'
import type { Keyset } from '../shared/useKeyset'
import { LadderBar } from './LadderBar'
import { PushStateTag } from './PushStateTag'

export function PushTable({ keyset, withProduct }: { keyset: Keyset<Push>; withProduct?: boolean }) {
  const { t, format } = useWords()
  const columns: TableColumnsType<Push> = [
    { title: t('push.no'), dataIndex: 'no', render: (no: number) => <Link to="/pushes/$no" params={{ no }}>#{no}</Link> },
    ...(withProduct ? [{
      title: 'ProductKey', dataIndex: 'productKey', render: (key: string) => <Link to="/products/$productKey" params={{ productKey: key }}>{key}</Link>,
    }] : []),
    { title: t('version.number'), dataIndex: 'version', align: 'end' },
    { title: t('push.state'), dataIndex: 'state', render: (state: Push['state']) => <PushStateTag state={state} /> },
    { title: t('push.outcome'), key: 'bar', width: 260, render: (_, p) => <LadderBar push={p} /> },
    { title: t('rung.applied'), key: 'applied', align: 'end', render: (_, p) => `${format.number(p.applied)} / ${format.number(p.total)}` },
    { title: t('rung.failed'), dataIndex: 'failed', align: 'end', render: format.number },
    { title: t('push.by'), dataIndex: 'startedBy' },
    { title: t('push.startedAt'), dataIndex: 'startedAt', render: (at: string) => <Time at={at} /> },
    { title: t('push.endedAt'), dataIndex: 'endedAt', render: (at: string | null) => <Time at={at} /> },
  ]
  return <KeysetTable<Push> keyset={keyset} empty={t('push.none')} rowKey="no" columns={columns} />
}
