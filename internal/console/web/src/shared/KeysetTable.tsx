import { Button, Empty, Flex, Table, Typography, type TableProps } from 'antd'
import { useEffect, useRef, type ReactNode } from 'react'
import { useWords } from '../i18n/language'
import { Failure } from './Failure'
import { BackIcon, ForthIcon } from './icons'
import type { Keyset } from './useKeyset'

type Props<T> = Omit<TableProps<T>, 'dataSource' | 'loading' | 'pagination'> & {
  keyset: Keyset<T>
  empty: ReactNode
}

/** KeysetTable shows a page of a list, and its empty, loading and error states. */
export function KeysetTable<T extends object>({ keyset, empty, ...table }: Props<T>) {
  const { t } = useWords()
  const { query, rows, page, back, forth } = keyset
  const frame = useRef<HTMLDivElement>(null)
  useEffect(() => {
    // What scrolls must be within reach of the keyboard; antd's table has no property for it.
    frame.current?.querySelector('.ant-table-content')?.setAttribute('tabindex', '0')
  })
  if (query.error && !rows) return <Failure error={query.error} retry={query.refetch} />
  return (
    <Flex vertical gap="middle" ref={frame}>
      {query.error && <Failure error={query.error} retry={query.refetch} />}
      <Table<T> size="middle" scroll={{ x: true }} {...table} dataSource={rows} pagination={false}
        loading={query.isPending || query.isPlaceholderData}
        locale={{ emptyText: query.isPending ? ' ' : <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={empty} /> }} />
      {(back || forth) && (
        <Flex justify="end" align="center" gap="small">
          <Typography.Text type="secondary">{t('list.page', { n: page })}</Typography.Text>
          <Button icon={<BackIcon />} disabled={!back} onClick={back} aria-label={t('list.back')} />
          <Button icon={<ForthIcon />} disabled={!forth || query.isPlaceholderData} onClick={forth} aria-label={t('list.forth')} />
        </Flex>
      )}
    </Flex>
  )
}
