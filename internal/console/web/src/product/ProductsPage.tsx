import { PlusOutlined } from '@ant-design/icons'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Button, Flex, Skeleton, Tag, Typography, type TableColumnsType } from 'antd'
import { useState } from 'react'
import { api, type Product } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { LadderBar } from '../push/LadderBar'
import { PushStateTag } from '../push/PushStateTag'
import { Allowed } from '../shared/Allowed'
import { KeysetTable } from '../shared/KeysetTable'
import { PageTitle } from '../shared/PageTitle'
import { useKeyset } from '../shared/useKeyset'
import { FirstProduct } from './FirstProduct'
import { ProductDialog } from './ProductDialog'

/** ProductsPage lists the products of an instance. */
export function ProductsPage({ instance }: { instance: string }) {
  const { t, format } = useWords()
  const { data: shown } = useQuery(queries.instance(instance))
  const products = useKeyset(['products', instance], (page, signal) => api.products({ ...page, instance }, signal), { limit: 20, refetchInterval: 5000 })
  const [adding, setAdding] = useState(false)
  const columns: TableColumnsType<Product> = [
    {
      title: t('product.name'), dataIndex: 'name',
      render: (name: string, p) => <Link to="/products/$productKey" params={{ productKey: p.productKey }}>{name}</Link>,
    },
    { title: 'ProductKey', dataIndex: 'productKey', render: (key: string) => <Typography.Text code copyable>{key}</Typography.Text> },
    { title: t('switch.title'), dataIndex: 'enabled', render: (on: boolean) => <Tag color={on ? 'success' : 'default'}>{t(on ? 'switch.on' : 'switch.off')}</Tag> },
    { title: t('product.current'), dataIndex: 'current', align: 'end', render: (n: number) => n || '–' },
    { title: t('product.lastPush'), key: 'push', width: 320, render: (_, p) => (p.push ? <LastPush no={p.push} /> : '–') },
    {
      title: t('product.online'), key: 'online', align: 'end',
      render: (_, p) => (
        <Link to="/products/$productKey/devices" params={{ productKey: p.productKey }}>{format.number(p.online)} / {format.number(p.devices)}</Link>
      ),
    },
  ]
  const add = (
    <Allowed least="editor">
      {(disabled) => <Button type="primary" icon={<PlusOutlined />} disabled={disabled} onClick={() => setAdding(true)}>{t('product.add')}</Button>}
    </Allowed>
  )
  const bare = products.rows?.length === 0 && products.page === 1
  return (
    <>
      <PageTitle title={shown?.name ?? instance} trail={[<Link key="all" to="/">{t('overview.title')}</Link>]} extra={add}
        aside={shown && <Tag color={shown.environment === 'production' ? 'warning' : 'default'}>{shown.environment}</Tag>} />
      {bare ? <FirstProduct onAdd={() => setAdding(true)} />
        : <KeysetTable<Product> keyset={products} empty={t('product.none')} rowKey="productKey" columns={columns} />}
      {adding && <ProductDialog instance={instance} onClose={() => setAdding(false)} />}
    </>
  )
}

function LastPush({ no }: { no: number }) {
  const { format } = useWords()
  const { data: push, error } = useQuery({ ...queries.push(no), refetchInterval: (q) => (q.state.data?.state === 'running' ? 1000 : false) })
  if (error) return <>–</>
  if (!push) return <Skeleton.Input active size="small" />
  return (
    <Flex gap="small" align="center">
      <Link to="/pushes/$no" params={{ no: push.no }}>#{push.no}</Link>
      <div style={{ flex: 1, minWidth: 80 }}><LadderBar push={push} /></div>
      <span>{format.percent(push.applied, push.total)}</span>
      <PushStateTag state={push.state} />
    </Flex>
  )
}
