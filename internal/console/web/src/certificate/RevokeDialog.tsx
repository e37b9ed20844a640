import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Alert, Form, Input, Segmented } from 'antd'
import { useState } from 'react'
import { api } from '../api/api'
import { useWords } from '../i18n/language'
import { Dialog } from '../shared/Dialog'
import { Failure } from '../shared/Failure'
import { faultOfCRL, longest } from './pem'
import { PemItem } from './PemItem'
import { most, serialsIn } from './serials'

const ways = ['serials', 'crl'] as const
type Way = (typeof ways)[number]
type Fields = { serials: string; pem: string }

/** RevokeDialog revokes certificates of a product's devices: some more, or all that are on a CA's list, and no others. */
export function RevokeDialog({ product, onClose }: { product: string; onClose: () => void }) {
  const { t } = useWords()
  const client = useQueryClient()
  const [way, setWay] = useState<Way>('serials')
  const [form] = Form.useForm<Fields>()
  const revoke = useMutation({
    mutationFn: (f: Fields) => (way === 'serials' ? api.revoke(product, serialsIn(f.serials).serials) : api.revokeByCRL(product, f.pem)),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['revoked', product] })
      onClose()
    },
  })
  const choose = (other: Way) => {
    setWay(other)
    revoke.reset()
  }
  return (
    <Dialog title={t('revoked.add')} width={640} onCancel={onClose} onOk={form.submit} okText={t('revoked.addDo')} okButtonProps={{ danger: true, loading: revoke.isPending }}>
      <Form<Fields> form={form} layout="vertical" onFinish={revoke.mutate}>
        <Form.Item><Segmented<Way> block name="way" aria-label={t('revoked.way')} value={way} onChange={choose} options={ways.map((value) => ({ value, label: t(`revoked.way.${value}`) }))} /></Form.Item>
        {revoke.error && <Form.Item><Failure error={revoke.error} /></Form.Item>}
        {way === 'serials' ? <Serials /> : (
          <>
            <Form.Item><Alert type="warning" showIcon title={t('revoked.replaces')} /></Form.Item>
            <PemItem label={t('revoked.crl')} hint={t('revoked.crlHint')} begin="-----BEGIN X509 CRL-----" longest={longest.crl} check={faultOfCRL} />
          </>
        )}
      </Form>
    </Dialog>
  )
}

function Serials() {
  const { t } = useWords()
  const validator = (_: unknown, text = '') => {
    const { serials, wrong } = serialsIn(text)
    if (wrong !== undefined) return Promise.reject(new Error(t('revoked.wrong', { serial: wrong.slice(0, 60) })))
    if (serials.length === 0) return Promise.reject(new Error(t('form.required')))
    return serials.length > most ? Promise.reject(new Error(t('revoked.many', { n: most }))) : Promise.resolve()
  }
  return (
    <Form.Item name="serials" label={t('revoked.serials')} extra={t('revoked.serialsHint')} rules={[{ validator }]} validateTrigger="onBlur">
      <Input.TextArea rows={6} spellCheck={false} style={{ fontFamily: 'monospace' }} />
    </Form.Item>
  )
}
