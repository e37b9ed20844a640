import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Button, Checkbox, Form, Input, Select } from 'antd'
import { api, roles, type Role } from '../api/api'
import { now } from '../api/http'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Dialog } from '../shared/Dialog'
import { Failure } from '../shared/Failure'
import { Secrets } from '../shared/Secrets'
import { networkOf } from './networks'

type Fields = { name: string; role: Role; push: boolean; networks: string[]; days: number }

const lives = [7, 30, 90, 365, 0]

const mayPush = (role: Role) => roles.indexOf(role) >= roles.indexOf('publisher')

/** TokenDialog makes a token, and shows it: only here. */
export function TokenDialog({ onClose }: { onClose: () => void }) {
  const { t } = useWords()
  const client = useQueryClient()
  const { data: me } = useQuery(queries.me)
  const [form] = Form.useForm<Fields>()
  const add = useMutation({
    mutationFn: ({ name, role, push, networks, days }: Fields) => api.addToken({
      name, role, scopes: push && mayPush(role) ? ['push'] : [], networks: networks.map((n) => networkOf(n) ?? n),
      expiresAt: days ? new Date(now() + days * 86_400_000).toISOString() : undefined,
    }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['tokens'] }),
  })
  const own = roles.slice(0, roles.indexOf(me?.role ?? 'viewer') + 1)
  const role = Form.useWatch('role', form) ?? own.at(-1) ?? 'viewer'
  if (add.data) {
    return (
      <Dialog title={t('token.added', { name: add.data.name })} mask={{ closable: false }} onCancel={onClose} footer={<Button onClick={onClose}>{t('do.close')}</Button>}>
        <Secrets values={{ COTA_TOKEN: add.data.token }} />
      </Dialog>
    )
  }
  const networks = (_: unknown, all: string[]) => {
    const wrong = all.find((n) => !networkOf(n))
    return wrong === undefined ? Promise.resolve() : Promise.reject(new Error(t('token.networkWrong', { network: wrong })))
  }
  return (
    <Dialog title={t('token.add')} onCancel={onClose} onOk={form.submit} okButtonProps={{ loading: add.isPending }}>
      <Form<Fields> form={form} layout="vertical" initialValues={{ role: own.at(-1), push: false, networks: [], days: 90 }} onFinish={add.mutate}>
        {add.error && <Form.Item><Failure error={add.error} /></Form.Item>}
        <Form.Item name="name" label={t('token.name')} rules={[{ required: true, message: t('form.required') }]}><Input autoFocus maxLength={64} /></Form.Item>
        <Form.Item name="role" label={t('account.role')}>
          <Select options={own.map((value) => ({ value, label: `${t(`role.${value}`)}: ${t(`role.may.${value}`)}` }))} />
        </Form.Item>
        <Form.Item name="push" valuePropName="checked" extra={t(mayPush(role) ? 'token.pushHint' : 'token.pushNeeds')}>
          <Checkbox disabled={!mayPush(role)}>{t('token.push')}</Checkbox>
        </Form.Item>
        <Form.Item name="networks" label={t('token.networks')} extra={t('token.networksHint')} rules={[{ validator: networks }]}>
          <Select mode="tags" open={false} suffixIcon={null} tokenSeparators={[',', ' ', ';']} placeholder={t('token.anywhere')} maxCount={50} />
        </Form.Item>
        <Form.Item name="days" label={t('token.life')}>
          <Select options={lives.map((value) => ({ value, label: value ? t('token.days', { n: value }) : t('token.never') }))} />
        </Form.Item>
      </Form>
    </Dialog>
  )
}
