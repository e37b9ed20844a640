import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Button, Flex, Tag, Typography, type TableColumnsType } from 'antd'
import { useState } from 'react'
import { api, type ListedProduct, type Push } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { LadderBar } from '../push/LadderBar'
import { PushStateTag } from '../push/PushStateTag'
import { Allowed } from '../shared/Allowed'
import { KeysetTable } from '../shared/KeysetTable'
import { PageTitle } from '../shared/PageTitle'
import { AddIcon } from '../shared/icons'
import { SearchBox } from '../shared/SearchBox'
import { useKeyset } from '../shared/useKeyset'
import { FirstProduct } from './FirstProduct'
import { ProductDialog } from './ProductDialog'

type Props = { instance: string; search: string | undefined; onSearch: (text: string | undefined) => void }

/** soon is how long to wait before a list is asked for again: less while one of its pushes runs. */
const soon = (rows: ListedProduct[] = []) => (rows.some((p) => p.lastPush?.state === 'running') ? 1000 : 5000)

/** ProductsPage lists the products of an instance. */
export function ProductsPage({ instance, search, onSearch }: Props) {
  const { t, format } = useWords()
  const { data: shown } = useQuery(queries.instance(instance))
  const products = useKeyset(['products', instance, search], (page, signal) => api.products({ ...page, instance, q: search }, signal), { limit: 20, refetchInterval: soon })
  const [adding, setAdding] = useState(false)
  const columns: TableColumnsType<ListedProduct> = [
    {
      title: t('product.name'), dataIndex: 'name',
      render: (name: string, p) => <Link to="/products/$productKey" params={{ productKey: p.productKey }}>{name}</Link>,
    },
    { title: 'ProductKey', dataIndex: 'productKey', responsive: ['lg'], render: (key: string) => <Typography.Text code copyable>{key}</Typography.Text> },
    { title: t('switch.title'), dataIndex: 'enabled', render: (on: boolean) => <Tag color={on ? 'success' : 'default'}>{t(on ? 'switch.on' : 'switch.off')}</Tag> },
    { title: t('product.current'), dataIndex: 'current', align: 'end', render: (n: number) => n || '–' },
    { title: t('product.lastPush'), key: 'push', width: '34%', render: (_, p) => (p.lastPush ? <LastPush push={p.lastPush} /> : '–') },
    {
      title: t('product.online'), key: 'online', align: 'end',
      render: (_, p) => (
        <Link to="/products/$productKey/devices" params={{ productKey: p.productKey }} style={{ whiteSpace: 'nowrap' }}>{format.number(p.online)} / {format.number(p.devices)}</Link>
      ),
    },
  ]
  const add = (
    <Allowed least="editor">
      {(disabled) => <Button type="primary" icon={<AddIcon />} disabled={disabled} onClick={() => setAdding(true)}>{t('product.add')}</Button>}
    </Allowed>
  )
  const bare = products.rows?.length === 0 && products.page === 1 && !search
  return (
    <>
      <PageTitle title={shown?.name ?? instance} trail={[<Link key="all" to="/">{t('overview.title')}</Link>]} extra={add}
        aside={shown && <Tag color={shown.environment === 'production' ? 'warning' : 'default'}>{shown.environment}</Tag>} />
      {bare ? <FirstProduct onAdd={() => setAdding(true)} /> : (
        <Flex vertical gap="middle">
          <SearchBox label={t('product.search')} value={search} width={300} onSearch={onSearch} />
          <KeysetTable<ListedProduct> keyset={products} empty={t(search ? 'product.noMatch' : 'product.none')} rowKey="productKey" columns={columns} />
        </Flex>
      )}
      {adding && <ProductDialog instance={instance} onClose={() => setAdding(false)} />}
    </>
  )
}

function LastPush({ push }: { push: Push }) {
  const { format } = useWords()
  return (
    <Flex gap="small" align="center">
      <Link to="/pushes/$no" params={{ no: push.no }}>#{push.no}</Link>
      <div style={{ flex: 1, minWidth: 60 }}><LadderBar push={push} /></div>
      <span style={{ whiteSpace: 'nowrap' }}>{format.percent(push.applied, push.total)}</span>
      <PushStateTag state={push.state} />
    </Flex>
  )
}
