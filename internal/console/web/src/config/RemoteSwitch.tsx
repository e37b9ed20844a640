import { useMutation, useQueryClient } from '@tanstack/react-query'
import { App, Flex, Modal, Switch, Typography } from 'antd'
import { useState } from 'react'
import { api, type Config } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { useFailure } from '../shared/useFailure'

/** RemoteSwitch turns remote configuration on and off. */
export function RemoteSwitch({ product, config }: { product: string; config: Config }) {
  const { t } = useWords()
  const { message } = App.useApp()
  const client = useQueryClient()
  const [asking, setAsking] = useState(false)
  const turn = useMutation({
    mutationFn: (enabled: boolean) => api.setConfig(product, { enabled }),
    onSuccess: (fresh) => {
      client.setQueryData(queries.config(product).queryKey, fresh)
      if (fresh.lastPush) client.setQueryData(queries.push(fresh.lastPush.no).queryKey, fresh.lastPush)
      void client.invalidateQueries({ queryKey: ['products'] })
      void message.success(t(fresh.enabled ? 'switch.isOn' : 'switch.isOff'))
    },
    onError: useFailure(),
    onSettled: () => setAsking(false),
  })
  const label = t('switch.title')
  return (
    <Flex align="center" gap="small">
      <Typography.Text id="remote-switch">{label}</Typography.Text>
      <Allowed least="publisher">
        {(disabled) => (
          <Switch checked={config.enabled} disabled={disabled} loading={turn.isPending} aria-labelledby="remote-switch"
            onChange={(on) => (on ? turn.mutate(true) : setAsking(true))} />
        )}
      </Allowed>
      <Typography.Text strong>{t(config.enabled ? 'switch.on' : 'switch.off')}</Typography.Text>
      <Modal open={asking} title={t('switch.ask')} okText={t('switch.turnOff')} okButtonProps={{ danger: true, loading: turn.isPending }}
        onOk={() => turn.mutate(false)} onCancel={() => setAsking(false)}>
        <Typography.Paragraph>{t('switch.stops')}</Typography.Paragraph>
        <ul>
          {config.lastPush?.state === 'running' && <li>{t('switch.stopsPush', { no: config.lastPush.no })}</li>}
          <li>{t('switch.stopsGet')}</li>
          <li>{t('switch.stopsLinks')}</li>
        </ul>
        <Typography.Paragraph type="secondary" style={{ marginBottom: 0 }}>{t('switch.keeps')}</Typography.Paragraph>
      </Modal>
    </Flex>
  )
}
