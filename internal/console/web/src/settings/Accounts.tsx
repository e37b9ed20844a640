import { PlusOutlined } from '@ant-design/icons'
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Button, Flex, Popconfirm, Tag, Typography, type TableColumnsType } from 'antd'
import { useState } from 'react'
import { api, type Account, type Role } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { KeysetTable } from '../shared/KeysetTable'
import { Time } from '../shared/Time'
import { useFailure } from '../shared/useFailure'
import { useKeyset } from '../shared/useKeyset'
import { AccountDialog } from './AccountDialog'

export function Accounts() {
  const { t } = useWords()
  const client = useQueryClient()
  const { data: me } = useQuery(queries.me)
  const accounts = useKeyset(['accounts'], api.accounts)
  const [adding, setAdding] = useState(false)
  const [changed, setChanged] = useState<Account>()
  const remove = useMutation({
    mutationFn: api.removeAccount, onSuccess: () => client.invalidateQueries({ queryKey: ['accounts'] }), onError: useFailure(),
  })
  const columns: TableColumnsType<Account> = [
    { title: t('account.name'), dataIndex: 'name', render: (name: string) => <>{name} {name === me?.account.name && <Tag>{t('account.you')}</Tag>}</> },
    { title: t('account.role'), dataIndex: 'role', render: (role: Role) => t(`role.${role}`) },
    { title: t('account.state'), dataIndex: 'disabled', render: (d: boolean) => <Tag color={d ? 'error' : 'success'}>{t(d ? 'account.disabled' : 'account.enabled')}</Tag> },
    { title: t('token.createdAt'), dataIndex: 'createdAt', render: (at: string) => <Time at={at} /> },
    {
      title: t('list.actions'), key: 'actions', render: (_, a) => (
        <Flex gap={4}>
          <Button type="link" size="small" onClick={() => setChanged(a)}>{t('do.edit')}</Button>
          <Popconfirm title={t('account.removeAsk', { name: a.name })} onConfirm={() => remove.mutate(a.name)}>
            <Button type="link" size="small" danger disabled={a.name === me?.account.name}>{t('do.remove')}</Button>
          </Popconfirm>
        </Flex>
      ),
    },
  ]
  return (
    <Flex vertical gap="middle">
      <Flex justify="space-between" gap="middle" align="center" wrap>
        <Typography.Text type="secondary">{t('account.hint')}</Typography.Text>
        <Button type="primary" icon={<PlusOutlined />} onClick={() => setAdding(true)}>{t('account.add')}</Button>
      </Flex>
      <KeysetTable<Account> keyset={accounts} empty={t('account.none')} rowKey="name" columns={columns} />
      {adding && <AccountDialog onClose={() => setAdding(false)} />}
      {changed && <AccountDialog account={changed} onClose={() => setChanged(undefined)} />}
    </Flex>
  )
}
