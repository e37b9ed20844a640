import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Button, Card, Flex, Typography, type TableColumnsType } from 'antd'
import { useState } from 'react'
import { api } from '../api/api'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { KeysetTable } from '../shared/KeysetTable'
import { AddIcon } from '../shared/icons'
import { useConfirm } from '../shared/useConfirm'
import { useFailure } from '../shared/useFailure'
import { useKeyset } from '../shared/useKeyset'
import { RevokeDialog } from './RevokeDialog'

type Row = { serial: string }

type Props = {
  product: string
  unless: string | false // why nothing can be revoked now
}

/** RevokedCard lists the certificates that let no device in any more. */
export function RevokedCard({ product, unless }: Props) {
  const { t } = useWords()
  const client = useQueryClient()
  const confirm = useConfirm()
  const [adding, setAdding] = useState(false)
  const revoked = useKeyset(['revoked', product], (page, signal) => api.revoked(product, page, signal))
  const restore = useMutation({
    mutationFn: (serial: string) => api.unrevoke(product, serial),
    onSuccess: () => client.invalidateQueries({ queryKey: ['revoked', product] }),
    onError: useFailure(),
  })
  const ask = (serial: string) => confirm({ title: t('revoked.removeAsk', { serial }), okText: t('revoked.remove'), danger: true, onOk: () => restore.mutate(serial) })
  const columns: TableColumnsType<Row> = [
    { title: t('ca.serial'), dataIndex: 'serial', render: (serial: string) => <Typography.Text code copyable>{serial}</Typography.Text> },
    {
      title: t('list.actions'), key: 'actions', width: 200, render: (_, { serial }) => (
        <Allowed least="admin">
          {(disabled) => <Button type="link" danger size="small" disabled={disabled} loading={restore.isPending && restore.variables === serial} onClick={() => ask(serial)}>{t('revoked.remove')}</Button>}
        </Allowed>
      ),
    },
  ]
  const add = (
    <Allowed least="admin" unless={unless}>
      {(disabled) => <Button icon={<AddIcon />} disabled={disabled} onClick={() => setAdding(true)}>{t('revoked.add')}</Button>}
    </Allowed>
  )
  return (
    <Card title={t('revoked.title')} extra={add}>
      <Flex vertical gap="middle">
        <Typography.Text type="secondary">{t('revoked.hint')}</Typography.Text>
        <KeysetTable<Row> keyset={revoked} empty={t('revoked.none')} rowKey="serial" size="small" columns={columns} />
      </Flex>
      {adding && <RevokeDialog product={product} onClose={() => setAdding(false)} />}
    </Card>
  )
}
