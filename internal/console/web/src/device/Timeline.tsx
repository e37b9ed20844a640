import { Link } from '@tanstack/react-router'
import { Badge, Card, type TableColumnsType } from 'antd'
import { api, rungs, type DeviceEvent } from '../api/api'
import { useWords } from '../i18n/language'
import { useRungColours } from '../push/ladder'
import { KeysetTable } from '../shared/KeysetTable'
import { Time } from '../shared/Time'
import { useKeyset } from '../shared/useKeyset'

const others = ['connected', 'disconnected', 'contested', 'asked', 'reverted', 'registered', 'ignored'] as const

/** Timeline lists what happened to a device, newest first. */
export function Timeline({ product, device }: { product: string; device: string }) {
  const { t } = useWords()
  const events = useKeyset(['events', product, device], (page, signal) => api.events(product, device, page, signal), { limit: 20, refetchInterval: 3000 })
  const columns: TableColumnsType<DeviceEvent> = [
    { title: t('audit.at'), dataIndex: 'at', width: 200, render: (at: string) => <Time at={at} /> },
    { title: t('event.kind'), dataIndex: 'kind', width: 180, render: (kind: string) => <Kind kind={kind} /> },
    { title: t('push.no'), dataIndex: 'push', width: 100, render: (no?: number) => (no ? <Link to="/pushes/$no" params={{ no }}>#{no}</Link> : '–') },
    { title: t('audit.detail'), key: 'detail', render: (_, e) => detail(e) || '–' },
  ]
  return (
    <Card title={t('event.title')}>
      <KeysetTable<DeviceEvent> keyset={events} empty={t('event.none')} rowKey={(e) => `${e.at} ${e.kind} ${e.push ?? ''}`} size="small" columns={columns} />
    </Card>
  )
}

/** detail is what is known of an event, with the properties that the device gave. */
function detail(e: DeviceEvent): string {
  return [e.code, e.detail, ...(e.properties ?? []).map((p) => `${p.name}=${p.value}`)].filter(Boolean).join(' ')
}

function Kind({ kind }: { kind: string }) {
  const { t } = useWords()
  const colours = useRungColours()
  const rung = rungs.find((r) => r === kind)
  if (rung) return <Badge color={colours[rung]} text={t(`rung.${rung}`)} />
  const other = others.find((o) => o === kind)
  return <Badge status={kind === 'connected' ? 'success' : kind === 'reverted' ? 'error' : 'default'} text={other ? t(`event.${other}`) : kind} />
}
