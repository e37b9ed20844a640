import { useQuery } from '@tanstack/react-query'
import { useBlocker } from '@tanstack/react-router'
import { Button, Card, Flex, Modal, Skeleton, Typography } from 'antd'
import { useState } from 'react'
import { queries } from '../app/queries'
import { AddDevices } from '../device/AddDevices'
import { useWords } from '../i18n/language'
import { FirstDevice } from '../product/FirstDevice'
import { PushCard } from '../push/PushCard'
import { PushDialog } from '../push/PushDialog'
import { Allowed } from '../shared/Allowed'
import { Failure } from '../shared/Failure'
import { PushIcon } from '../shared/icons'
import { RemoteSwitch } from './RemoteSwitch'
import { TemplateCard } from './TemplateCard'
import { useDraft } from './useDraft'
import { VersionHistory } from './VersionHistory'

/** ConfigPage is Remote configuration of a product. */
export function ConfigPage({ product }: { product: string }) {
  const { t } = useWords()
  const { data: config, error, refetch } = useQuery({ ...queries.config(product), refetchInterval: 10_000 })
  const facts = useQuery(queries.product(product))
  const work = useDraft(product, config)
  const [pushing, setPushing] = useState(false)
  const [adding, setAdding] = useState(false)
  const leaving = useBlocker({ shouldBlockFn: () => work.dirty, enableBeforeUnload: work.dirty, withResolver: true })
  if (!config) return error ? <Failure error={error} retry={refetch} /> : <Skeleton active paragraph={{ rows: 12 }} />

  const last = config.lastPush
  return (
    <Flex vertical gap="middle">
      {error && <Failure error={error} retry={refetch} />}
      <Card size="small">
        <Flex justify="space-between" align="center" gap="middle" wrap>
          <RemoteSwitch product={product} config={config} />
          <Typography.Text type="secondary" style={{ flex: 1, minWidth: 240 }}>{t(config.enabled ? 'switch.onHint' : 'switch.offHint')}</Typography.Text>
          <Allowed least="publisher">
            {(disabled) => <Button type="primary" size="large" icon={<PushIcon />} disabled={disabled} onClick={() => setPushing(true)}>{t('update.batch')}</Button>}
          </Allowed>
        </Flex>
      </Card>
      {facts.data?.devices === 0 && <FirstDevice product={product} onAdd={() => setAdding(true)} />}
      {last && <PushCard key={last.no} no={last.no} title={t('push.title', { no: last.no })} />}
      <TemplateCard product={product} config={config} work={work} />
      <VersionHistory product={product} config={config} dirty={work.dirty} onRestore={work.write} />
      {adding && <AddDevices product={product} onClose={() => setAdding(false)} />}
      {pushing && <PushDialog product={product} dirty={work.dirty} onClose={() => setPushing(false)} onStarted={() => setPushing(false)} />}
      <Modal open={leaving.status === 'blocked'} title={t('leave.title')} okText={t('leave.do')} okButtonProps={{ danger: true }} cancelText={t('leave.stay')}
        onOk={() => leaving.proceed?.()} onCancel={() => leaving.reset?.()}>
        {t('leave.hint')}
      </Modal>
    </Flex>
  )
}
