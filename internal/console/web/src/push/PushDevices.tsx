import { Link } from '@tanstack/react-router'
import { Flex, Typography, type TableColumnsType } from 'antd'
import { api, type Device, type Push, type Rung } from '../api/api'
import { useWords } from '../i18n/language'
import { KeysetTable } from '../shared/KeysetTable'
import { Time } from '../shared/Time'
import { useKeyset } from '../shared/useKeyset'

/** PushDevices lists the devices that stand on a rung of a push. */
export function PushDevices({ push, rung }: { push: Push; rung: Rung }) {
  const { t } = useWords()
  const devices = useKeyset(['push-devices', push.no, rung], (page, signal) => api.pushDevices(push.no, { ...page, state: rung }, signal),
    { limit: 5, refetchInterval: push.state === 'running' ? 3000 : false })
  const columns: TableColumnsType<Device> = [
    {
      title: t('device.name'), dataIndex: 'deviceName',
      render: (name: string, d) => <Link to="/products/$productKey/devices/$deviceName" params={{ productKey: d.productKey, deviceName: name }}>{name}</Link>,
    },
    { title: t('device.reason'), key: 'reason', render: (_, d) => (d.code || d.detail ? `${d.code || ''} ${d.detail}`.trim() : '–') },
    { title: t('device.since'), dataIndex: 'stateAt', render: (at: string | null) => <Time at={at} /> },
  ]
  return (
    <Flex vertical gap="small">
      <Typography.Text strong>{t('push.devicesOn', { rung: t(`rung.${rung}`) })}</Typography.Text>
      <KeysetTable<Device> keyset={devices} empty={t('push.noneOn')} rowKey="deviceName" size="small" columns={columns} />
    </Flex>
  )
}
