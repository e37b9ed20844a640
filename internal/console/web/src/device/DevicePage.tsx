import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { Alert, Badge, Card, Descriptions, Flex, Skeleton, Typography } from 'antd'
import type { Gateway } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { RungTag } from '../push/RungTag'
import { Failure } from '../shared/Failure'
import { Time } from '../shared/Time'
import { DeviceActions } from './DeviceActions'
import { Connection } from './DevicesPage'
import { Messages } from './Messages'
import { Subdevices } from './Subdevices'
import { Timeline } from './Timeline'
import { useStanding } from './standing'

export function DevicePage({ product, device: name }: { product: string; device: string }) {
  const { t } = useWords()
  const { data: d, error, refetch } = useQuery({ ...queries.device(product, name), refetchInterval: 3000 })
  const { data: config } = useQuery(queries.config(product))
  const standing = useStanding(d, config)
  if (!d) return error ? <Failure error={error} retry={refetch} /> : <Skeleton active />
  return (
    <Flex vertical gap="middle">
      <Flex justify="space-between" gap="middle" wrap align="center">
        <Flex gap="middle" align="center" wrap>
          <Link to="/products/$productKey/devices" params={{ productKey: product }}>{t('device.back')}</Link>
          <Typography.Title level={4} style={{ margin: 0 }} copyable>{name}</Typography.Title>
          <Connection device={d} />
        </Flex>
        <DeviceActions device={d} />
      </Flex>
      {error && <Failure error={error} retry={refetch} />}
      {standing && <Alert type={standing.fine ? 'success' : 'warning'} showIcon title={standing.text} />}
      <Card title={t('device.standing')}>
        <Descriptions column={{ xs: 1, md: 2, xl: 3 }} size="small" items={[
          { key: 'state', label: t('device.state'), children: d.push ? <RungTag rung={d.state} /> : '–' },
          { key: 'push', label: t('push.no'), children: d.push ? <Link to="/pushes/$no" params={{ no: d.push }}>#{d.push}</Link> : '–' },
          { key: 'since', label: t('device.since'), children: <Time at={d.stateAt} /> },
          { key: 'runs', label: t('device.version'), children: d.configVersion || '–' },
          { key: 'id', label: 'configId', children: d.configId ? <Typography.Text code copyable>{d.configId}</Typography.Text> : '–' },
          { key: 'at', label: t('device.appliedAt'), children: <Time at={d.configAt} /> },
          { key: 'connected', label: t('device.connectedAt'), children: <Time at={d.connectedAt} /> },
          { key: 'seen', label: t('device.seenAt'), children: <Time at={d.seenAt} /> },
          ...(d.activated === undefined ? [] : [{ key: 'activated', label: t('device.activated'), children: t(d.activated ? 'do.yes' : 'do.no') }]),
          ...(d.gateway ? [{ key: 'gateway', label: t('device.gateway'), children: <Behind gateway={d.gateway} /> }] : []),
          { key: 'created', label: t('device.createdAt'), children: <Time at={d.createdAt} /> },
        ]} />
      </Card>
      <Subdevices product={product} device={name} />
      <Timeline product={product} device={name} />
      <Messages product={product} device={name} />
    </Flex>
  )
}

/** Behind is the gateway that a device is behind, and whether it has it connected. */
function Behind({ gateway: g }: { gateway: Gateway }) {
  const { t } = useWords()
  return (
    <Flex gap="small" wrap>
      <Link to="/products/$productKey/devices/$deviceName" params={{ productKey: g.productKey, deviceName: g.deviceName }}>{g.deviceName}</Link>
      <Badge status={g.connected ? 'success' : 'default'} text={t(g.connected ? 'device.gatewayOn' : 'device.gatewayOff')} />
    </Flex>
  )
}
