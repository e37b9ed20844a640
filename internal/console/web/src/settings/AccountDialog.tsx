import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Alert, Checkbox, Form, Input, Select, Switch } from 'antd'
import { api, roles, type Account, type Role } from '../api/api'
import { useWords } from '../i18n/language'
import { Dialog } from '../shared/Dialog'
import { Failure } from '../shared/Failure'
import { bare, isPhone } from './phone'

type Fields = { name: string; role: Role; enabled: boolean; password?: string; phone?: string; noPhone?: boolean }

/** AccountDialog adds an account, or changes one. */
export function AccountDialog({ account, onClose }: { account?: Account; onClose: () => void }) {
  const { t } = useWords()
  const client = useQueryClient()
  const [form] = Form.useForm<Fields>()
  const save = useMutation({
    mutationFn: (f: Fields) => (account ? api.setAccount(account.name, changes(account, f)) : api.addAccount({ name: f.name, role: f.role, password: f.password ?? '', phone: bare(f.phone ?? '') || undefined })),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['accounts'] })
      onClose()
    },
  })
  const noPhone = Form.useWatch('noPhone', form)
  const needed = { required: true, message: t('form.required') }
  return (
    <Dialog title={account ? t('account.change', { name: account.name }) : t('account.add')} onCancel={onClose} onOk={form.submit} okButtonProps={{ loading: save.isPending }}>
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
        <Form.Item name="phone" label={t(account?.phone ? 'account.newPhone' : 'account.phone')} extra={t('account.phoneHint')}
          rules={[{ validator: (_, value) => (!value || noPhone || isPhone(value) ? Promise.resolve() : Promise.reject(new Error(t('phone.format')))) }]}>
          <Input type="tel" maxLength={32} autoComplete="off" disabled={noPhone} placeholder={account?.phone} />
        </Form.Item>
        {account?.phone && <Form.Item name="noPhone" valuePropName="checked"><Checkbox>{t('account.removePhone')}</Checkbox></Form.Item>}
        {account && <Form.Item name="enabled" label={t('account.enabled')} valuePropName="checked"><Switch /></Form.Item>}
      </Form>
    </Dialog>
  )
}

function changes(account: Account, f: Fields): Parameters<typeof api.setAccount>[1] {
  return {
    role: f.role === account.role ? undefined : f.role,
    disabled: f.enabled === !account.disabled ? undefined : !f.enabled,
    password: f.password || undefined,
    phone: f.noPhone ? '' : bare(f.phone ?? '') || undefined,
  }
}
