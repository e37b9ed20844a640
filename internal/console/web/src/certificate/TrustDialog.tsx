import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Form } from 'antd'
import { api } from '../api/api'
import { now } from '../api/http'
import { useWords } from '../i18n/language'
import { Dialog } from '../shared/Dialog'
import { Failure } from '../shared/Failure'
import { withMore } from './ca'
import { faultOfCA, longest } from './pem'
import { PemItem } from './PemItem'

type Props = { product: string; room: number; onClose: () => void }

/** TrustDialog has a product trust more CAs. */
export function TrustDialog({ product, room, onClose }: Props) {
  const { t } = useWords()
  const client = useQueryClient()
  const [form] = Form.useForm<{ pem: string }>()
  const add = useMutation({
    // The server takes all at once, so what it has is asked for right before.
    mutationFn: async ({ pem }: { pem: string }) => api.setCA(product, withMore(await api.ca(product), pem, now())),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['ca', product] })
      onClose()
    },
  })
  return (
    <Dialog title={t('ca.add')} width={640} onCancel={onClose} onOk={form.submit} okText={t('ca.addDo')} okButtonProps={{ loading: add.isPending }}>
      <Form form={form} layout="vertical" onFinish={add.mutate}>
        {add.error && <Form.Item><Failure error={add.error} /></Form.Item>}
        <PemItem autoFocus label={t('ca.pem')} hint={t('ca.pemHint', { n: room })} begin="-----BEGIN CERTIFICATE-----"
          longest={longest.ca} room={room} check={(text) => faultOfCA(text, room)} />
      </Form>
    </Dialog>
  )
}
