import { useMutation } from '@tanstack/react-query'
import { Button, Form, Input } from 'antd'
import { api } from '../api/api'
import { useWords } from '../i18n/language'
import { Failure } from '../shared/Failure'
import { LockIcon, UserIcon } from '../shared/icons'
import { greet } from './queries'

type Fields = { username: string; password: string }

export function SignInForm({ username }: { username?: string }) {
  const { t } = useWords()
  const signIn = useMutation({
    mutationFn: async (f: Fields) => {
      await api.signIn(f.username, f.password)
      await greet()
    },
    meta: { ownPassword: true },
  })
  return (
    <Form<Fields> layout="vertical" requiredMark={false} initialValues={{ username }} onFinish={signIn.mutate}>
      {signIn.error && <Form.Item><Failure error={signIn.error} /></Form.Item>}
      <Form.Item name="username" label={t('signin.username')} rules={[{ required: true, message: t('form.required') }]}>
        <Input prefix={<UserIcon />} autoComplete="username" autoFocus={!username} spellCheck={false} />
      </Form.Item>
      <Form.Item name="password" label={t('signin.password')} rules={[{ required: true, message: t('form.required') }]}>
        <Input.Password prefix={<LockIcon />} autoComplete="current-password" autoFocus={!!username} />
      </Form.Item>
      <Button type="primary" htmlType="submit" block loading={signIn.isPending}>{t('signin.do')}</Button>
    </Form>
  )
}
