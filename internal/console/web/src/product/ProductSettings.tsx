import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { App, Button, Card, Flex, Form, Input, Skeleton, Typography } from 'antd'
import { api, type Policy, type Product } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { Failure } from '../shared/Failure'
import { LimitItem } from '../shared/LimitItem'
import { useConfirm } from '../shared/useConfirm'
import { RegistrationCard } from './RegistrationCard'

// The bounds are the server's.
const limits = [
  { name: 'cooldownSeconds', min: 0, max: 30 * 24 * 3600, unit: 's' },
  { name: 'linkSeconds', min: 1, max: 7 * 24 * 3600, unit: 's' },
  { name: 'history', min: 1, max: 1000 },
  { name: 'maxBytes', min: 2, max: 1 << 20, unit: 'B' },
] as const

/** ProductSettings is the policy of a product, who may register with it, its name and its end. */
export function ProductSettings({ product }: { product: string }) {
  const { data: p, error, refetch } = useQuery(queries.product(product))
  if (!p) return error ? <Failure error={error} retry={refetch} /> : <Skeleton active />
  return (
    <Flex vertical gap="middle" style={{ maxWidth: 720 }}>
      <PolicyCard product={p} />
      <RegistrationCard product={p} />
      <NameCard product={p} />
      <RemoveCard product={p} />
    </Flex>
  )
}

function PolicyCard({ product: p }: { product: Product }) {
  const { t } = useWords()
  const { message } = App.useApp()
  const client = useQueryClient()
  const save = useMutation({
    mutationFn: (policy: Policy) => api.setConfig(p.productKey, { policy }),
    onSuccess: (fresh) => {
      client.setQueryData(queries.config(p.productKey).queryKey, fresh)
      void client.invalidateQueries({ queryKey: ['product', p.productKey] })
      void message.success(t('do.saved'))
    },
  })
  return (
    <Card title={t('policy.title')}>
      <Form<Policy> layout="vertical" initialValues={p.policy} onFinish={save.mutate}>
        {save.error && <Form.Item><Failure error={save.error} /></Form.Item>}
        {limits.map((limit) => (
          <LimitItem key={limit.name} {...limit} label={t(`policy.${limit.name}`)} hint={t(`policy.${limit.name}Hint`)} />
        ))}
        <Allowed least="admin">
          {(disabled) => <Button type="primary" htmlType="submit" disabled={disabled} loading={save.isPending}>{t('do.save')}</Button>}
        </Allowed>
      </Form>
    </Card>
  )
}

function NameCard({ product: p }: { product: Product }) {
  const { t } = useWords()
  const { message } = App.useApp()
  const client = useQueryClient()
  const rename = useMutation({
    mutationFn: ({ name }: { name: string }) => api.renameProduct(p.productKey, name),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['product', p.productKey] })
      void client.invalidateQueries({ queryKey: ['products'] })
      void message.success(t('do.saved'))
    },
  })
  return (
    <Card title={t('product.rename')}>
      <Form layout="vertical" initialValues={{ name: p.name }} onFinish={rename.mutate}>
        {rename.error && <Form.Item><Failure error={rename.error} /></Form.Item>}
        <Form.Item name="name" label={t('product.name')} rules={[{ required: true, message: t('form.required') }]}><Input maxLength={64} /></Form.Item>
        <Allowed least="editor">
          {(disabled) => <Button htmlType="submit" disabled={disabled} loading={rename.isPending}>{t('do.save')}</Button>}
        </Allowed>
      </Form>
    </Card>
  )
}

function RemoveCard({ product: p }: { product: Product }) {
  const { t } = useWords()
  const client = useQueryClient()
  const navigate = useNavigate()
  const confirm = useConfirm()
  const remove = useMutation({
    mutationFn: () => api.removeProduct(p.productKey),
    onSuccess: async () => {
      await navigate({ to: '/instances/$instance', params: { instance: p.instance } })
      void client.invalidateQueries({ queryKey: ['products'] })
    },
  })
  const ask = () => confirm({ title: t('product.removeAsk', { name: p.name }), okText: t('product.remove'), danger: true, onOk: () => remove.mutate() })
  return (
    <Card title={t('product.remove')}>
      <Flex vertical gap="middle" align="start">
        {remove.error && <Failure error={remove.error} />}
        <Typography.Text type="secondary">{t('product.removeHint')}</Typography.Text>
        <Allowed least="editor" unless={p.devices > 0 && t('product.inUse')}>
          {(disabled) => <Button danger disabled={disabled} loading={remove.isPending} onClick={ask}>{t('product.remove')}</Button>}
        </Allowed>
      </Flex>
    </Card>
  )
}
