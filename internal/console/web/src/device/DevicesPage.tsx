import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Badge, Button, Flex, Select, Tag, type TableColumnsType } from 'antd'
import { useState } from 'react'
import { api, rungs, type Device, type DeviceFilter } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { FirstDevice } from '../product/FirstDevice'
import { RungTag } from '../push/RungTag'
import { Allowed } from '../shared/Allowed'
import { KeysetTable } from '../shared/KeysetTable'
import { SearchBox } from '../shared/SearchBox'
import { Time } from '../shared/Time'
import { AddIcon } from '../shared/icons'
import { useKeyset } from '../shared/useKeyset'
import { AddDevices } from './AddDevices'

type Props = { product: string; filter: DeviceFilter; onFilter: (filter: DeviceFilter) => void }

/** DevicesPage lists the devices of a product, however many there are. */
export function DevicesPage({ product, filter, onFilter }: Props) {
  const { t } = useWords()
  const facts = useQuery(queries.product(product))
  const devices = useKeyset(['devices', product, filter], (page, signal) => api.devices(product, { ...page, ...filter }, signal), { refetchInterval: 5000 })
  const [adding, setAdding] = useState(false)
  const columns: TableColumnsType<Device> = [
    {
      title: t('device.name'), dataIndex: 'deviceName',
      render: (name: string) => <Link to="/products/$productKey/devices/$deviceName" params={{ productKey: product, deviceName: name }}>{name}</Link>,
    },
    { title: t('device.connection'), dataIndex: 'online', render: (_, d) => <Connection device={d} /> },
    { title: t('device.state'), dataIndex: 'state', render: (_, d) => (d.push ? <RungTag rung={d.state} /> : '–') },
    { title: t('device.version'), dataIndex: 'configVersion', align: 'end', render: (n: number) => n || '–' },
    { title: t('device.reason'), key: 'reason', render: (_, d) => (d.code || d.detail ? `${d.code || ''} ${d.detail}`.trim() : '–') },
    { title: t('device.since'), dataIndex: 'stateAt', render: (at: string | null) => <Time at={at} /> },
  ]
  const online = [{ value: 'true', label: t('device.online') }, { value: 'false', label: t('device.offline') }]
  return (
    <Flex vertical gap="middle">
      {facts.data?.devices === 0 && <FirstDevice product={product} onAdd={() => setAdding(true)} />}
      <Flex justify="space-between" gap="small" wrap>
        <Flex gap="small" wrap>
          <SearchBox label={t('device.search')} value={filter.prefix} onSearch={(prefix) => onFilter({ ...filter, prefix })} />
          <Select allowClear value={filter.online} options={online} placeholder={t('device.connection')} aria-label={t('device.connection')} style={{ width: 140 }}
            onChange={(value) => onFilter({ ...filter, online: value as DeviceFilter['online'] })} />
          <Select allowClear value={filter.state} options={rungs.map((value) => ({ value, label: t(`rung.${value}`) }))} placeholder={t('device.state')}
            aria-label={t('device.state')} style={{ width: 160 }} onChange={(state) => onFilter({ ...filter, state })} />
        </Flex>
        <Allowed least="editor">
          {(disabled) => <Button type="primary" icon={<AddIcon />} disabled={disabled} onClick={() => setAdding(true)}>{t('device.add')}</Button>}
        </Allowed>
      </Flex>
      <KeysetTable<Device> keyset={devices} empty={t('device.none')} rowKey="deviceName" columns={columns} />
      {adding && <AddDevices product={product} onClose={() => setAdding(false)} />}
    </Flex>
  )
}

export function Connection({ device }: { device: Device }) {
  const { t } = useWords()
  return (
    <Flex gap="small" align="center">
      <Badge status={device.online ? 'success' : 'default'} text={t(device.online ? 'device.online' : 'device.offline')} />
      {device.disabled && <Tag color="error">{t('device.disabled')}</Tag>}
    </Flex>
  )
}
