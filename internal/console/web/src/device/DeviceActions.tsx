import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Button, Flex } from 'antd'
import { useState } from 'react'
import { api, type Device } from '../api/api'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { Dialog } from '../shared/Dialog'
import { Secrets } from '../shared/Secrets'
import { useConfirm } from '../shared/useConfirm'
import { useFailure } from '../shared/useFailure'

export function DeviceActions({ device: d }: { device: Device }) {
  const { t } = useWords()
  const client = useQueryClient()
  const navigate = useNavigate()
  const confirm = useConfirm()
  const onError = useFailure()
  const [secret, setSecret] = useState<string>()
  const changed = () => {
    void client.invalidateQueries({ queryKey: ['device', d.productKey, d.deviceName] })
    void client.invalidateQueries({ queryKey: ['devices', d.productKey] })
  }
  const disable = useMutation({
    mutationFn: (disabled: boolean) => api.setDevice(d.productKey, d.deviceName, { disabled }), onSuccess: changed, onError,
  })
  const reset = useMutation({
    mutationFn: () => api.setDevice(d.productKey, d.deviceName, { resetSecret: true }),
    onSuccess: (fresh) => { setSecret(fresh.deviceSecret); changed() },
    onError,
  })
  const remove = useMutation({
    mutationFn: () => api.removeDevice(d.productKey, d.deviceName),
    onSuccess: async () => {
      await navigate({ to: '/products/$productKey/devices', params: { productKey: d.productKey } })
      changed()
      void client.invalidateQueries({ queryKey: ['product', d.productKey] })
    },
    onError,
  })
  const askDisable = () => confirm({ title: t('device.disableAsk'), okText: t('device.disable'), onOk: () => disable.mutate(true) })
  const askReset = () => confirm({ title: t('device.resetAsk'), okText: t('device.reset'), onOk: () => reset.mutate() })
  const askRemove = () => confirm({ title: t('device.removeAsk', { name: d.deviceName }), okText: t('do.remove'), danger: true, onOk: () => remove.mutate() })
  return (
    <Flex gap="small" wrap>
      <Allowed least="editor">
        {(off) => <Button disabled={off} loading={disable.isPending} onClick={d.disabled ? () => disable.mutate(false) : askDisable}>{t(d.disabled ? 'device.enable' : 'device.disable')}</Button>}
      </Allowed>
      <Allowed least="publisher">
        {(off) => <Button disabled={off} loading={reset.isPending} onClick={askReset}>{t('device.reset')}</Button>}
      </Allowed>
      <Allowed least="editor">
        {(off) => <Button danger disabled={off} loading={remove.isPending} onClick={askRemove}>{t('do.remove')}</Button>}
      </Allowed>
      {secret && (
        <Dialog title={t('device.resetDone')} mask={{ closable: false }} onCancel={() => setSecret(undefined)}
          footer={<Button onClick={() => setSecret(undefined)}>{t('do.close')}</Button>}>
          <Secrets values={{ ProductKey: d.productKey, DeviceName: d.deviceName, DeviceSecret: secret }} />
        </Dialog>
      )}
    </Flex>
  )
}
