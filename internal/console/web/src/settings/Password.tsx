import { useMutation, useQuery } from '@tanstack/react-query'
import { App, Button, Card, Form, Input } from 'antd'
import { api } from '../api/api'
import { greet, queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Failure } from '../shared/Failure'

type Fields = { old: string; fresh: string; again: string }

/** Password changes one's own. That ends all sessions, so this page signs in with the new one at once. */
export function Password() {
  const { t } = useWords()
  const { message } = App.useApp()
  const { data: me } = useQuery(queries.me)
  const [form] = Form.useForm<Fields>()
  const change = useMutation({
    mutationFn: async ({ old, fresh }: Fields) => {
      await api.changePassword(old, fresh)
      if (me) await api.signIn(me.account.name, fresh)
      await greet()
    },
    meta: { ownPassword: true },
    onSuccess: () => {
      form.resetFields()
      void message.success(t('password.done'))
    },
  })
  const needed = { required: true, message: t('form.required') }
  return (
    <Card style={{ maxWidth: 480 }}>
      <Form<Fields> form={form} layout="vertical" onFinish={change.mutate}>
        {change.error && <Form.Item><Failure error={change.error} /></Form.Item>}
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
