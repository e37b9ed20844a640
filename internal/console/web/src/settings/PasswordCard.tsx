import { useMutation } from '@tanstack/react-query'
import { App, Button, Card, Form, Input, Typography } from 'antd'
import { api, type Account } from '../api/api'
import { hasCode } from '../api/http'
import { greet } from '../app/queries'
import { useWords } from '../i18n/language'
import { Failure } from '../shared/Failure'

type Fields = { old: string; fresh: string; again: string }

/** PasswordCard changes one's own. That ends all sessions, so this page signs in with the new one at once. */
export function PasswordCard({ account }: { account: Account }) {
  const { t } = useWords()
  const { message } = App.useApp()
  const [form] = Form.useForm<Fields>()
  const change = useMutation({
    mutationFn: async ({ old, fresh }: Fields) => {
      await api.changePassword(old, fresh)
      await api.signIn(account.name, fresh)
      await greet()
    },
    meta: { ownPassword: true },
    onSuccess: () => {
      form.resetFields()
      void message.success(t('password.done'))
    },
    onError: (error) => {
      if (!hasCode(error, 'wrong_password')) return
      form.setFields([{ name: 'old', errors: [t('code.wrong_password')] }])
      form.getFieldInstance('old')?.focus()
    },
  })
  const needed = { required: true, message: t('form.required') }
  const elsewhere = change.error && !hasCode(change.error, 'wrong_password')
  return (
    <Card title={t('password.do')}>
      <Typography.Paragraph type="secondary">{t('password.note')}</Typography.Paragraph>
      <Form<Fields> form={form} layout="vertical" onFinish={change.mutate}>
        {elsewhere && <Form.Item><Failure error={change.error} /></Form.Item>}
        {/* For password managers: whose password it is. */}
        <input type="text" autoComplete="username" value={account.name} readOnly hidden />
        <Form.Item name="old" label={t('password.old')} rules={[needed]}><Input.Password autoComplete="current-password" /></Form.Item>
        <Form.Item name="fresh" label={t('password.new')} extra={t('password.hint')} rules={[needed, { min: 8, message: t('password.hint') }]}>
          <Input.Password autoComplete="new-password" />
        </Form.Item>
        <Form.Item name="again" label={t('password.again')} dependencies={['fresh']} rules={[needed, ({ getFieldValue }) => ({
          validator: (_, value) => (value === getFieldValue('fresh') ? Promise.resolve() : Promise.reject(new Error(t('password.differs')))),
        })]}>
          <Input.Password autoComplete="new-password" />
        </Form.Item>
        <Button type="primary" htmlType="submit" loading={change.isPending}>{t('password.do')}</Button>
      </Form>
    </Card>
  )
}
