import { PlusOutlined } from '@ant-design/icons'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Button, Flex, Form, Input, Modal, Popconfirm, Select, Typography, type TableColumnsType } from 'antd'
import { useState } from 'react'
import { api, roles, type Role, type Token } from '../api/api'
import { now } from '../api/http'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Failure } from '../shared/Failure'
import { KeysetTable } from '../shared/KeysetTable'
import { Secrets } from '../shared/Secrets'
import { Time } from '../shared/Time'
import { useFailure } from '../shared/useFailure'
import { useKeyset } from '../shared/useKeyset'

export function Tokens() {
  const { t } = useWords()
  const client = useQueryClient()
  const tokens = useKeyset(['tokens'], api.tokens)
  const [adding, setAdding] = useState(false)
  const remove = useMutation({
    mutationFn: api.removeToken, onSuccess: () => client.invalidateQueries({ queryKey: ['tokens'] }), onError: useFailure(),
  })
  const columns: TableColumnsType<Token> = [
    { title: t('token.name'), dataIndex: 'name' },
    { title: t('account.name'), dataIndex: 'account' },
    { title: t('account.role'), dataIndex: 'role', render: (role: Role) => t(`role.${role}`) },
    { title: t('token.createdAt'), dataIndex: 'createdAt', render: (at: string) => <Time at={at} /> },
    { title: t('token.expiresAt'), dataIndex: 'expiresAt', render: (at: string | null) => (at ? <Time at={at} /> : t('token.never')) },
    {
      title: t('list.actions'), key: 'actions', render: (_, token) => (
        <Popconfirm title={t('token.removeAsk', { name: token.name })} onConfirm={() => remove.mutate(token.id)}>
          <Button type="link" danger size="small">{t('do.remove')}</Button>
        </Popconfirm>
      ),
    },
  ]
  return (
    <Flex vertical gap="middle">
      <Flex justify="space-between" gap="middle" align="center" wrap>
        <Typography.Text type="secondary">{t('token.hint')}</Typography.Text>
        <Button type="primary" icon={<PlusOutlined />} onClick={() => setAdding(true)}>{t('token.add')}</Button>
      </Flex>
      <KeysetTable<Token> keyset={tokens} empty={t('token.none')} rowKey="id" columns={columns} />
      {adding && <TokenDialog onClose={() => setAdding(false)} />}
    </Flex>
  )
}

type Fields = { name: string; role: Role; days: number }

const lives = [7, 30, 90, 365, 0]

function TokenDialog({ onClose }: { onClose: () => void }) {
  const { t } = useWords()
  const client = useQueryClient()
  const { data: me } = useQuery(queries.me)
  const [form] = Form.useForm<Fields>()
  const add = useMutation({
    mutationFn: ({ name, role, days }: Fields) =>
      api.addToken({ name, role, expiresAt: days ? new Date(now() + days * 86_400_000).toISOString() : undefined }),
    onSuccess: () => client.invalidateQueries({ queryKey: ['tokens'] }),
  })
  if (add.data) {
    return (
      <Modal open title={t('token.added', { name: add.data.name })} mask={{ closable: false }} onCancel={onClose} footer={<Button onClick={onClose}>{t('do.close')}</Button>}>
        <Secrets values={{ COTA_TOKEN: add.data.token }} />
      </Modal>
    )
  }
  const own = roles.slice(0, roles.indexOf(me?.role ?? 'viewer') + 1)
  return (
    <Modal open title={t('token.add')} onCancel={onClose} onOk={form.submit} okButtonProps={{ loading: add.isPending }}>
      <Form<Fields> form={form} layout="vertical" initialValues={{ role: own.at(-1), days: 90 }} onFinish={add.mutate}>
        {add.error && <Form.Item><Failure error={add.error} /></Form.Item>}
        <Form.Item name="name" label={t('token.name')} rules={[{ required: true, message: t('form.required') }]}><Input autoFocus maxLength={64} /></Form.Item>
        <Form.Item name="role" label={t('account.role')}><Select options={own.map((value) => ({ value, label: t(`role.${value}`) }))} /></Form.Item>
        <Form.Item name="days" label={t('token.life')}>
          <Select options={lives.map((value) => ({ value, label: value ? t('token.days', { n: value }) : t('token.never') }))} />
        </Form.Item>
      </Form>
    </Modal>
  )
}
