import { Link } from '@tanstack/react-router'
import { Button, Col, Flex, Row, Tag, Card, Statistic, type TableColumnsType } from 'antd'
import { useState } from 'react'
import { api, type Instance } from '../api/api'
import { useWords } from '../i18n/language'
import { FirstProduct } from '../product/FirstProduct'
import { ProductDialog } from '../product/ProductDialog'
import { Allowed } from '../shared/Allowed'
import { KeysetTable } from '../shared/KeysetTable'
import { PageTitle } from '../shared/PageTitle'
import { AddIcon } from '../shared/icons'
import { useKeyset } from '../shared/useKeyset'
import { InstanceDialog } from './InstanceDialog'
import { InstanceMenu } from './InstanceMenu'

/** OverviewPage is All environments. */
export function OverviewPage() {
  const { t, format } = useWords()
  const instances = useKeyset(['instances'], api.instances, { refetchInterval: 5000 })
  const [adding, setAdding] = useState(false)
  const [firstOf, setFirstOf] = useState<string>() // the instance that gets its first product
  const columns: TableColumnsType<Instance> = [
    {
      title: t('instance.name'), dataIndex: 'name',
      render: (name: string, i) => <Link to="/instances/$instance" params={{ instance: i.id }}>{name}</Link>,
    },
    { title: t('instance.id'), dataIndex: 'id', responsive: ['lg'] },
    { title: t('instance.environment'), dataIndex: 'environment', render: (e: string) => <Tag color={e === 'production' ? 'warning' : 'default'}>{e}</Tag> },
    ...(['products', 'devices', 'online', 'running'] as const).map((field) => ({
      title: t(`instance.${field}`), dataIndex: field, align: 'end' as const, render: format.number,
    })),
    { title: t('list.actions'), key: 'actions', render: (_, i) => <InstanceMenu instance={i} /> },
  ]
  const add = (
    <Allowed least="admin">
      {(disabled) => <Button icon={<AddIcon />} disabled={disabled} onClick={() => setAdding(true)}>{t('instance.add')}</Button>}
    </Allowed>
  )
  const rows = instances.rows
  const bare = rows && rows.every((i) => i.products === 0) && instances.page === 1 && !instances.forth
  return (
    <>
      <PageTitle title={t('overview.title')} extra={add} />
      <Flex vertical gap="middle">
        {rows && <Sums rows={rows} />}
        {bare && <FirstProduct onAdd={() => setFirstOf(rows[0]?.id ?? 'default')} />}
        <KeysetTable<Instance> keyset={instances} empty={t('overview.none')} rowKey="id" columns={columns} />
      </Flex>
      {adding && <InstanceDialog onClose={() => setAdding(false)} />}
      {firstOf && <ProductDialog instance={firstOf} onClose={() => setFirstOf(undefined)} />}
    </>
  )
}

function Sums({ rows }: { rows: Instance[] }) {
  const { t, format } = useWords()
  return (
    <Row gutter={[16, 16]}>
      {(['products', 'devices', 'online', 'running'] as const).map((field) => (
        <Col key={field} xs={12} lg={6}>
          <Card size="small"><Statistic title={t(`instance.${field}`)} value={format.number(rows.reduce((sum, i) => sum + i[field], 0))} /></Card>
        </Col>
      ))}
    </Row>
  )
}
