import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Alert, Form, Input, Modal, Select, Switch } from 'antd'
import { api, roles, type Account, type Role } from '../api/api'
import { useWords } from '../i18n/language'
import { Failure } from '../shared/Failure'

type Fields = { name: string; role: Role; enabled: boolean; password?: string }

/** AccountDialog adds an account, or changes one. */
export function AccountDialog({ account, onClose }: { account?: Account; onClose: () => void }) {
  const { t } = useWords()
  const client = useQueryClient()
  const [form] = Form.useForm<Fields>()
  const save = useMutation({
    mutationFn: (f: Fields) => (account ? api.setAccount(account.name, changes(account, f)) : api.addAccount({ name: f.name, role: f.role, password: f.password ?? '' })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['accounts'] })
      onClose()
    },
  })
  const needed = { required: true, message: t('form.required') }
  return (
    <Modal open title={account ? t('account.change', { name: account.name }) : t('account.add')} onCancel={onClose} onOk={form.submit} okButtonProps={{ loading: save.isPending }}>
      <Form<Fields> form={form} layout="vertical" initialValues={{ role: account?.role ?? 'viewer', enabled: !account?.disabled }} onFinish={save.mutate}>
        {account && <Form.Item><Alert type="info" showIcon title={t('account.changeHint')} /></Form.Item>}
        {save.error && <Form.Item><Failure error={save.error} /></Form.Item>}
        {!account && <Form.Item name="name" label={t('account.name')} rules={[needed]}><Input autoFocus maxLength={32} autoComplete="off" spellCheck={false} /></Form.Item>}
        <Form.Item name="role" label={t('account.role')}>
          <Select options={roles.map((value) => ({ value, label: `${t(`role.${value}`)}: ${t(`role.may.${value}`)}` }))} />
        </Form.Item>
        <Form.Item name="password" label={t(account ? 'account.newPassword' : 'signin.password')} extra={t('password.hint')}
          rules={[...(account ? [] : [needed]), { min: 8, message: t('password.hint') }]}>
          <Input.Password autoComplete="new-password" />
        </Form.Item>
        {account && <Form.Item name="enabled" label={t('account.enabled')} valuePropName="checked"><Switch /></Form.Item>}
      </Form>
    </Modal>
  )
}

function changes(account: Account, f: Fields): Parameters<typeof api.setAccount>[1] {
  return {
    role: f.role === account.role ? undefined : f.role,
    disabled: f.enabled === !account.disabled ? undefined : !f.enabled,
    password: f.password || undefined,
  }
}
