import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Button, Card, Flex, Typography, type TableColumnsType } from 'antd'
import { api, type Device } from '../api/api'
import { useWords } from '../i18n/language'
import { RungTag } from '../push/RungTag'
import { Allowed } from '../shared/Allowed'
import { KeysetTable } from '../shared/KeysetTable'
import { Pair } from '../shared/Pair'
import { useConfirm } from '../shared/useConfirm'
import { useFailure } from '../shared/useFailure'
import { useKeyset } from '../shared/useKeyset'
import { Connection } from './DevicesPage'

/** Subdevices lists what is behind a device; nothing, for one that is no gateway. */
export function Subdevices({ product, device }: { product: string; device: string }) {
  const { t } = useWords()
  const client = useQueryClient()
  const confirm = useConfirm()
  const behind = useKeyset(['subdevices', product, device], (page, signal) => api.subdevices(product, device, page, signal), { limit: 20, refetchInterval: 5000 })
  const detach = useMutation({
    mutationFn: (d: Device) => api.detachDevice(d.productKey, d.deviceName),
    onSuccess: (_, d) => {
      void client.invalidateQueries({ queryKey: ['subdevices', product, device] })
      void client.invalidateQueries({ queryKey: ['device', d.productKey, d.deviceName] })
    },
    onError: useFailure(),
  })
  if (!behind.query.error && behind.page === 1 && !behind.rows?.length) return null
  const ask = (d: Device) => confirm({
    title: t('subdevice.detachAsk', { name: d.deviceName }), okText: t('subdevice.detach'), danger: true, onOk: () => detach.mutate(d),
  })
  const columns: TableColumnsType<Device> = [
    {
      title: t('device.name'), key: 'name',
      render: (_, d) => <Pair first={<Link to="/products/$productKey/devices/$deviceName" params={{ productKey: d.productKey, deviceName: d.deviceName }}>{d.deviceName}</Link>} second={d.productKey} />,
    },
    {
      title: t('device.connection'), key: 'online',
      render: (_, d) => (d.online && !d.gateway?.connected ? <Pair first={<Connection device={d} />} second={t('subdevice.direct')} /> : <Connection device={d} />),
    },
    { title: t('device.state'), dataIndex: 'state', render: (_, d) => (d.push ? <RungTag rung={d.state} /> : '–') },
    { title: t('device.version'), dataIndex: 'configVersion', align: 'end', render: (n: number) => n || '–' },
    {
      title: t('list.actions'), key: 'actions', render: (_, d) => (
        <Allowed least="editor">
          {(disabled) => <Button type="link" danger size="small" disabled={disabled} loading={detach.isPending && detach.variables === d} onClick={() => ask(d)}>{t('subdevice.detach')}</Button>}
        </Allowed>
      ),
    },
  ]
  return (
    <Card title={t('subdevice.title')}>
      <Flex vertical gap="middle">
        <Typography.Text type="secondary">{t('subdevice.hint')}</Typography.Text>
        <KeysetTable<Device> keyset={behind} empty={t('subdevice.none')} rowKey={(d) => `${d.productKey}/${d.deviceName}`} size="small" columns={columns} />
      </Flex>
    </Card>
  )
}
