import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Button, Flex, Modal, Popconfirm } from 'antd'
import { useState } from 'react'
import { api, type Device } from '../api/api'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { Secrets } from '../shared/Secrets'
import { useFailure } from '../shared/useFailure'

export function DeviceActions({ device: d }: { device: Device }) {
  const { t } = useWords()
  const client = useQueryClient()
  const navigate = useNavigate()
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
  return (
    <Flex gap="small" wrap>
      <Allowed least="editor">
        {(off) => d.disabled
          ? <Button disabled={off} loading={disable.isPending} onClick={() => disable.mutate(false)}>{t('device.enable')}</Button>
          : (
            <Popconfirm title={t('device.disableAsk')} onConfirm={() => disable.mutate(true)} disabled={off}>
              <Button disabled={off} loading={disable.isPending}>{t('device.disable')}</Button>
            </Popconfirm>
          )}
      </Allowed>
      <Allowed least="publisher">
        {(off) => (
          <Popconfirm title={t('device.resetAsk')} onConfirm={() => reset.mutate()} disabled={off}>
            <Button disabled={off} loading={reset.isPending}>{t('device.reset')}</Button>
          </Popconfirm>
        )}
      </Allowed>
      <Allowed least="editor">
        {(off) => (
          <Popconfirm title={t('device.removeAsk', { name: d.deviceName })} onConfirm={() => remove.mutate()} disabled={off}>
            <Button danger disabled={off} loading={remove.isPending}>{t('do.remove')}</Button>
          </Popconfirm>
        )}
      </Allowed>
      {secret && (
        <Modal open title={t('device.resetDone')} mask={{ closable: false }} onCancel={() => setSecret(undefined)}
          footer={<Button onClick={() => setSecret(undefined)}>{t('do.close')}</Button>}>
          <Secrets values={{ ProductKey: d.productKey, DeviceName: d.deviceName, DeviceSecret: secret }} />
        </Modal>
      )}
    </Flex>
  )
}
