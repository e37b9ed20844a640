import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Alert, Button, Flex, Tag, Typography, type TableColumnsType } from 'antd'
import { useState } from 'react'
import { api, type Account, type Role } from '../api/api'
import { queries } from '../app/queries'
import { useMay } from '../app/role'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { AddIcon } from '../shared/icons'
import { KeysetTable } from '../shared/KeysetTable'
import { Time } from '../shared/Time'
import { useConfirm } from '../shared/useConfirm'
import { useFailure } from '../shared/useFailure'
import { useKeyset } from '../shared/useKeyset'
import { AccountDialog } from './AccountDialog'

/** AccountsPage is for administrators; others are told so. */
export function AccountsPage() {
  const { t } = useWords()
  return useMay('admin') ? <Accounts /> : <Alert type="info" showIcon title={t('role.needs', { role: t('role.admin') })} />
}

function Accounts() {
  const { t } = useWords()
  const client = useQueryClient()
  const confirm = useConfirm()
  const { data: me } = useQuery(queries.me)
  const accounts = useKeyset(['accounts'], api.accounts)
  const [adding, setAdding] = useState(false)
  const [changed, setChanged] = useState<Account>()
  const remove = useMutation({
    mutationFn: api.removeAccount, onSuccess: () => client.invalidateQueries({ queryKey: ['accounts'] }), onError: useFailure(),
  })
  const ask = ({ name }: Account) => confirm({ title: t('account.removeAsk', { name }), okText: t('do.remove'), danger: true, onOk: () => remove.mutate(name) })
  const columns: TableColumnsType<Account> = [
    { title: t('account.name'), dataIndex: 'name', render: (name: string) => <>{name} {name === me?.account.name && <Tag>{t('account.you')}</Tag>}</> },
    { title: t('account.role'), dataIndex: 'role', render: (role: Role) => t(`role.${role}`) },
    { title: t('account.state'), dataIndex: 'disabled', render: (d: boolean) => <Tag color={d ? 'error' : 'success'}>{t(d ? 'account.disabled' : 'account.enabled')}</Tag> },
    { title: t('account.phone'), dataIndex: 'phone', render: (phone: string) => phone || '–' },
    { title: t('account.totp'), dataIndex: 'totp', render: (totp: boolean) => t(totp ? 'do.yes' : 'do.no') },
    { title: t('token.createdAt'), dataIndex: 'createdAt', responsive: ['xl'], render: (at: string) => <Time at={at} /> },
    {
      title: t('list.actions'), key: 'actions', render: (_, a) => (
        <Flex gap={4}>
          <Button type="link" size="small" onClick={() => setChanged(a)}>{t('do.edit')}</Button>
          <Allowed least="admin" unless={a.name === me?.account.name && t('account.removeSelf')}>
            {(disabled) => <Button type="link" size="small" danger disabled={disabled} onClick={() => ask(a)}>{t('do.remove')}</Button>}
          </Allowed>
        </Flex>
      ),
    },
  ]
  return (
    <Flex vertical gap="middle">
      <Flex justify="space-between" gap="middle" align="center" wrap>
        <Typography.Text type="secondary">{t('account.hint')}</Typography.Text>
        <Button type="primary" icon={<AddIcon />} onClick={() => setAdding(true)}>{t('account.add')}</Button>
      </Flex>
      <KeysetTable<Account> keyset={accounts} empty={t('account.none')} rowKey="name" columns={columns} />
      {adding && <AccountDialog onClose={() => setAdding(false)} />}
      {changed && <AccountDialog account={changed} onClose={() => setChanged(undefined)} />}
    </Flex>
  )
}
