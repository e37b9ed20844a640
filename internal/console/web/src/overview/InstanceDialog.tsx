import { useMutation, useQueryClient } from '@tanstack/react-query'
import { AutoComplete, Form, Input } from 'antd'
import { api, type Instance } from '../api/api'
import { useWords } from '../i18n/language'
import { Dialog } from '../shared/Dialog'
import { Failure } from '../shared/Failure'

type Fields = { id: string; name: string; environment: string }

const environments = ['production', 'staging', 'test'].map((value) => ({ value }))

/** InstanceDialog adds an instance, or changes one. */
export function InstanceDialog({ instance, onClose }: { instance?: Instance; onClose: () => void }) {
  const { t } = useWords()
  const client = useQueryClient()
  const [form] = Form.useForm<Fields>()
  const save = useMutation({
    mutationFn: ({ id, name, environment }: Fields) =>
      instance ? api.setInstance(instance.id, { name, environment }) : api.addInstance({ id, name, environment }),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['instances'] })
      void client.invalidateQueries({ queryKey: ['instance'] })
      onClose()
    },
  })
  const needed = [{ required: true, message: t('form.required') }]
  return (
    <Dialog title={t(instance ? 'instance.change' : 'instance.add')} onCancel={onClose} onOk={form.submit} okButtonProps={{ loading: save.isPending }}>
      <Form<Fields> form={form} layout="vertical" initialValues={instance ?? { environment: 'production' }} onFinish={save.mutate}>
        {save.error && <Form.Item><Failure error={save.error} /></Form.Item>}
        <Form.Item name="name" label={t('instance.name')} rules={needed}><Input maxLength={64} autoFocus /></Form.Item>
        <Form.Item name="id" label={t('instance.id')} extra={instance ? undefined : t('instance.idHint')}
          rules={instance ? [] : [...needed, { pattern: /^[a-z0-9-]{1,32}$/, message: t('instance.idHint') }]}>
          <Input disabled={!!instance} spellCheck={false} />
        </Form.Item>
        <Form.Item name="environment" label={t('instance.environment')} rules={needed}><AutoComplete options={environments} /></Form.Item>
      </Form>
    </Dialog>
  )
}
