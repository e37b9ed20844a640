import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Button, Card, Flex, Tag, Typography, type TableColumnsType } from 'antd'
import { useState } from 'react'
import { api, type Certificate } from '../api/api'
import { now } from '../api/http'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { KeysetTable } from '../shared/KeysetTable'
import { Pair } from '../shared/Pair'
import { Time } from '../shared/Time'
import { AddIcon } from '../shared/icons'
import { useConfirm } from '../shared/useConfirm'
import { useFailure } from '../shared/useFailure'
import { useKeyset } from '../shared/useKeyset'
import { useTick } from '../shared/useTick'
import { most, validityOf, without, type Validity } from './ca'
import { RevokedCard } from './RevokedCard'
import { TrustDialog } from './TrustDialog'

/** CertificatesPage is whose certificates let the devices of a product in, and which of them do no more. */
export function CertificatesPage({ product }: { product: string }) {
  const { t } = useWords()
  const client = useQueryClient()
  const confirm = useConfirm()
  const [adding, setAdding] = useState(false)
  const trusted = useKeyset(['ca', product], async () => ({ rows: (await api.ca(product)).certificates }))
  const remove = useMutation({
    mutationFn: async (c: Certificate) => {
      const left = without(await api.ca(product), c.fingerprint, now())
      return left ? api.setCA(product, left) : api.removeCA(product)
    },
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['ca', product] })
      void client.invalidateQueries({ queryKey: ['revoked', product] })
    },
    onError: useFailure(),
  })
  const at = useTick(60_000)
  const all = trusted.rows ?? []
  const counting = all.filter((c) => validityOf(c, at) !== 'expired')
  const last = (c: Certificate) => counting.every((other) => other === c)
  const ask = (c: Certificate) => confirm({
    title: t(last(c) ? 'ca.removeLastAsk' : 'ca.removeAsk', { subject: c.subject }), okText: t('do.remove'), danger: true, onOk: () => remove.mutate(c),
  })
  const columns: TableColumnsType<Certificate> = [
    { title: t('ca.subject'), key: 'subject', render: (_, c) => <Pair first={c.subject} second={<>{t('ca.serial')} {c.serial}<br />SHA-256 {c.fingerprint}</>} /> },
    { title: t('ca.notBefore'), dataIndex: 'notBefore', responsive: ['xl'], render: (time: string) => <Time at={time} /> },
    { title: t('ca.notAfter'), dataIndex: 'notAfter', render: (time: string, c) => <Flex gap="small" wrap><Time at={time} /><ValidityTag validity={validityOf(c, at)} /></Flex> },
    {
      title: t('list.actions'), key: 'actions', render: (_, c) => (
        <Allowed least="admin">
          {(disabled) => <Button type="link" danger size="small" disabled={disabled} loading={remove.isPending && remove.variables === c} onClick={() => ask(c)}>{t('do.remove')}</Button>}
        </Allowed>
      ),
    },
  ]
  const add = (
    <Allowed least="admin" unless={counting.length >= most && t('ca.full', { n: most })}>
      {(disabled) => <Button type="primary" icon={<AddIcon />} disabled={disabled} onClick={() => setAdding(true)}>{t('ca.add')}</Button>}
    </Allowed>
  )
  return (
    <Flex vertical gap="middle">
      <Card title={t('ca.title')} extra={add}>
        <Flex vertical gap="middle">
          <Typography.Text type="secondary">{t('ca.hint')}</Typography.Text>
          <KeysetTable<Certificate> keyset={trusted} empty={t('ca.none')} rowKey="fingerprint" columns={columns} />
        </Flex>
      </Card>
      <RevokedCard product={product} unless={trusted.rows?.length === 0 && t('revoked.noCA')} />
      {adding && <TrustDialog product={product} room={most - counting.length} onClose={() => setAdding(false)} />}
    </Flex>
  )
}

const colours: Record<Validity, string> = { early: 'default', valid: 'success', soon: 'warning', expired: 'error' }

function ValidityTag({ validity }: { validity: Validity }) {
  const { t } = useWords()
  return <Tag color={colours[validity]}>{t(`ca.validity.${validity}`)}</Tag>
}
