import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Button, Form, Input } from 'antd'
import { api } from '../api/api'
import { useWords } from '../i18n/language'
import { Dialog } from '../shared/Dialog'
import { Failure } from '../shared/Failure'
import { LinkButton } from '../shared/LinkButton'
import { Secrets } from '../shared/Secrets'

/** ProductDialog adds a product, and shows what identifies it: the secret only here. */
export function ProductDialog({ instance, onClose }: { instance: string; onClose: () => void }) {
  const { t } = useWords()
  const client = useQueryClient()
  const [form] = Form.useForm<{ name: string }>()
  const add = useMutation({
    mutationFn: ({ name }: { name: string }) => api.addProduct({ name, instance }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['products'] })
      void client.invalidateQueries({ queryKey: ['instances'] })
    },
  })
  if (add.data) {
    const made = add.data
    return (
      <Dialog title={t('product.added', { name: made.name })} onCancel={onClose} mask={{ closable: false }} footer={[
        <Button key="close" onClick={onClose}>{t('do.close')}</Button>,
        <LinkButton key="open" type="primary" to="/products/$productKey" params={{ productKey: made.productKey }}>{t('product.open')}</LinkButton>,
      ]}>
        <Secrets values={{ ProductKey: made.productKey, ProductSecret: made.productSecret }} />
      </Dialog>
    )
  }
  return (
    <Dialog title={t('product.add')} onCancel={onClose} onOk={form.submit} okButtonProps={{ loading: add.isPending }}>
      <Form form={form} layout="vertical" onFinish={add.mutate}>
        {add.error && <Form.Item><Failure error={add.error} /></Form.Item>}
        <Form.Item name="name" label={t('product.name')} rules={[{ required: true, message: t('form.required') }]}>
          <Input maxLength={64} autoFocus />
        </Form.Item>
      </Form>
    </Dialog>
  )
}
