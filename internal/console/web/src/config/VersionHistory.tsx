import { useQueryClient } from '@tanstack/react-query'
import { App, Button, Card, Flex, Grid, Modal, Table, Tag, Tooltip, Typography, type TableColumnsType } from 'antd'
import { useState, type ReactNode } from 'react'
import { api, type Config, type Version } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { RestoreIcon, ViewIcon } from '../shared/icons'
import { KeysetTable } from '../shared/KeysetTable'
import { Pair } from '../shared/Pair'
import { Time } from '../shared/Time'
import { useFailure } from '../shared/useFailure'
import { useKeyset } from '../shared/useKeyset'
import { CompareDialog } from './CompareDialog'
import { VersionDialog } from './VersionDialog'

type Props = { product: string; config: Config; dirty: boolean; onRestore: (text: string) => void }

/** VersionHistory lists the versions that are kept. */
export function VersionHistory({ product, config, dirty, onRestore }: Props) {
  const { t, format } = useWords()
  const client = useQueryClient()
  const { message } = App.useApp()
  const fail = useFailure()
  const versions = useKeyset(['versions', product], (page) => api.versions(product, page), { limit: 10 })
  const [marked, setMarked] = useState<number[]>([])
  const [viewed, setViewed] = useState<number>()
  const [compared, setCompared] = useState<[number, number]>()
  const [replacing, setReplacing] = useState<number>() // asks before unsaved text is replaced

  const restore = async (number: number) => {
    setReplacing(undefined)
    try {
      const version = await client.fetchQuery(queries.version(product, number))
      onRestore(version.content ?? '')
      void message.info(t('version.loaded', { n: number }))
    } catch (error) {
      fail(error as Error)
    }
  }
  const columns: TableColumnsType<Version> = [
    { title: t('version.number'), dataIndex: 'number', render: (n: number) => <Flex gap={4}>{n}{n === config.current?.number && <Tag color="blue">{t('version.current')}</Tag>}</Flex> },
    { title: t('version.saved'), dataIndex: 'createdAt', render: (at: string, v) => <Pair first={<Time at={at} />} second={v.author} /> },
    {
      title: t('version.note'), dataIndex: 'note', render: (note: string) => (
        <Typography.Paragraph ellipsis={{ rows: 2, tooltip: note }} style={{ margin: 0, minWidth: 100, overflowWrap: 'anywhere' }}>{note || '–'}</Typography.Paragraph>
      ),
    },
    {
      title: `${t('version.size')}, SHA-256`, dataIndex: 'size', responsive: ['lg'], render: (size: number, v) => (
        <Pair first={format.bytes(size)} second={<Tooltip title={v.sha256}><Typography.Text code copyable={{ text: v.sha256 }}>{v.sha256.slice(0, 10)}</Typography.Text></Tooltip>} />
      ),
    },
    { title: t('version.pushed'), dataIndex: 'pushed', render: (pushed: boolean) => <Tag color={pushed ? 'success' : 'default'}>{t(pushed ? 'do.yes' : 'do.no')}</Tag> },
    {
      title: t('list.actions'), key: 'actions', render: (_, v) => (
        <Flex gap={4}>
          <Act label={t('version.view')} icon={<ViewIcon />} onClick={() => setViewed(v.number)} />
          <Allowed least="editor">
            {(disabled) => <Act label={t('version.restore')} icon={<RestoreIcon />} disabled={disabled} onClick={() => (dirty ? setReplacing(v.number) : void restore(v.number))} />}
          </Allowed>
        </Flex>
      ),
    },
  ]
  const pair = marked.length === 2 ? (marked.toSorted((a, b) => a - b) as [number, number]) : undefined
  const compare = (
    <Allowed least="viewer" unless={!pair && t('version.markTwo')}>
      {(disabled) => <Button disabled={disabled} onClick={() => setCompared(pair)}>{t('version.compare')}</Button>}
    </Allowed>
  )
  return (
    <Card title={t('version.history')} extra={compare}>
      <KeysetTable<Version> keyset={versions} empty={t('version.none')} rowKey="number" columns={columns}
        rowSelection={{
          selectedRowKeys: marked, hideSelectAll: true, columnTitle: ' ',
          onChange: (keys) => setMarked(keys.slice(-2) as number[]), getCheckboxProps: (v) => ({ 'aria-label': t('template.current', { n: v.number }) }) as object,
          selections: [Table.SELECTION_NONE],
        }} />
      {viewed !== undefined && <VersionDialog product={product} number={viewed} onClose={() => setViewed(undefined)} />}
      {compared && <CompareDialog product={product} numbers={compared} onClose={() => setCompared(undefined)} />}
      <Modal open={replacing !== undefined} title={t('version.replace')} okText={t('version.restore')} onOk={() => void restore(replacing!)} onCancel={() => setReplacing(undefined)}>
        {t('version.replaceHint')}
      </Modal>
    </Card>
  )
}

/** Act is a link in a row where there is room for its text, and an icon where there is not. */
function Act({ label, icon, disabled, onClick }: { label: string; icon: ReactNode; disabled?: boolean; onClick: () => void }) {
  if (Grid.useBreakpoint().xl) return <Button type="link" size="small" disabled={disabled} onClick={onClick}>{label}</Button>
  return <Tooltip title={label}><Button type="text" icon={icon} aria-label={label} disabled={disabled} onClick={onClick} /></Tooltip>
}
