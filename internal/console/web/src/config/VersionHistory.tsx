import { useQueryClient } from '@tanstack/react-query'
import { App, Button, Card, Flex, Modal, Table, Tag, Tooltip, Typography, type TableColumnsType } from 'antd'
import { useState } from 'react'
import { api, type Config, type Version } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { KeysetTable } from '../shared/KeysetTable'
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
    { title: t('version.saved'), dataIndex: 'createdAt', render: (at: string) => <Time at={at} /> },
    { title: t('version.author'), dataIndex: 'author' },
    { title: t('version.note'), dataIndex: 'note', render: (note: string) => <Typography.Text ellipsis={{ tooltip: note }} style={{ maxWidth: 260 }}>{note || '–'}</Typography.Text> },
    { title: t('version.size'), dataIndex: 'size', align: 'end', render: format.bytes },
    { title: 'SHA-256', dataIndex: 'sha256', render: (sum: string) => <Tooltip title={sum}><Typography.Text code copyable={{ text: sum }}>{sum.slice(0, 10)}</Typography.Text></Tooltip> },
    { title: t('version.pushed'), dataIndex: 'pushed', render: (pushed: boolean) => <Tag color={pushed ? 'success' : 'default'}>{t(pushed ? 'do.yes' : 'do.no')}</Tag> },
    {
      title: t('list.actions'), key: 'actions', render: (_, v) => (
        <Flex gap={4}>
          <Button type="link" size="small" onClick={() => setViewed(v.number)}>{t('version.view')}</Button>
          <Allowed least="editor">
            {(disabled) => <Button type="link" size="small" disabled={disabled} onClick={() => (dirty ? setReplacing(v.number) : void restore(v.number))}>{t('version.restore')}</Button>}
          </Allowed>
        </Flex>
      ),
    },
  ]
  const pair = marked.length === 2 ? (marked.toSorted((a, b) => a - b) as [number, number]) : undefined
  const compare = (
    <Tooltip title={pair ? undefined : t('version.markTwo')}>
      <Button disabled={!pair} onClick={() => setCompared(pair)}>{t('version.compare')}</Button>
    </Tooltip>
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
