import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Button, Flex, Tag, Typography, type TableColumnsType } from 'antd'
import { useState } from 'react'
import { api, type Role, type Scope, type Token } from '../api/api'
import { useWords } from '../i18n/language'
import { AddIcon } from '../shared/icons'
import { KeysetTable } from '../shared/KeysetTable'
import { Time } from '../shared/Time'
import { useConfirm } from '../shared/useConfirm'
import { useFailure } from '../shared/useFailure'
import { useKeyset } from '../shared/useKeyset'
import { TokenDialog } from './TokenDialog'

/** TokensPage lists what programs sign in with: one's own tokens, or for administrators all. */
export function TokensPage() {
  const { t } = useWords()
  const client = useQueryClient()
  const tokens = useKeyset(['tokens'], api.tokens)
  const [adding, setAdding] = useState(false)
  const confirm = useConfirm()
  const remove = useMutation({
    mutationFn: api.removeToken, onSuccess: () => client.invalidateQueries({ queryKey: ['tokens'] }), onError: useFailure(),
  })
  const columns: TableColumnsType<Token> = [
    { title: t('token.name'), dataIndex: 'name' },
    { title: t('account.name'), dataIndex: 'account' },
    { title: t('account.role'), dataIndex: 'role', render: (role: Role) => t(`role.${role}`) },
    { title: t('token.scopes'), dataIndex: 'scopes', render: (scopes: Scope[]) => (scopes.length ? scopes.map((s) => <Tag key={s}>{s}</Tag>) : '–') },
    { title: t('token.networks'), dataIndex: 'networks', render: (all: string[]) => (all.length ? <Networks all={all} /> : t('token.anywhere')) },
    { title: t('token.createdAt'), dataIndex: 'createdAt', responsive: ['xl'], render: (at: string) => <Time at={at} /> },
    { title: t('token.expiresAt'), dataIndex: 'expiresAt', render: (at: string | null) => (at ? <Time at={at} /> : t('token.never')) },
    {
      title: t('list.actions'), key: 'actions', render: (_, token) => (
        <Button type="link" danger size="small" onClick={() => confirm({
          title: t('token.removeAsk', { name: token.name }), okText: t('do.remove'), danger: true, onOk: () => remove.mutate(token.id),
        })}>{t('do.remove')}</Button>
      ),
    },
  ]
  return (
    <Flex vertical gap="middle">
      <Flex justify="space-between" gap="middle" align="center" wrap>
        <Typography.Text type="secondary">{t('token.hint')}</Typography.Text>
        <Button type="primary" icon={<AddIcon />} onClick={() => setAdding(true)}>{t('token.add')}</Button>
      </Flex>
      <KeysetTable<Token> keyset={tokens} empty={t('token.none')} rowKey="id" columns={columns} />
      {adding && <TokenDialog onClose={() => setAdding(false)} />}
    </Flex>
  )
}

function Networks({ all }: { all: string[] }) {
  return <Flex vertical>{all.map((n) => <Typography.Text key={n} code>{n}</Typography.Text>)}</Flex>
}
