import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Alert, Button, Flex, Form, Input, InputNumber, Segmented, Typography, Upload } from 'antd'
import { useState } from 'react'
import { api, type Credentials, type NewDevices } from '../api/api'
import { useWords } from '../i18n/language'
import { commands } from '../product/commands'
import { useDoor } from '../product/useDoor'
import { Command } from '../shared/Command'
import { Dialog } from '../shared/Dialog'
import { Failure } from '../shared/Failure'
import { Secrets } from '../shared/Secrets'
import { DownloadIcon, UploadIcon } from '../shared/icons'
import { csvOf, download, most, namesIn } from './credentials'

const ways = ['one', 'many', 'csv'] as const
type Way = (typeof ways)[number]
type Fields = { name: string; prefix: string; count: number; names: string }

/** AddDevices registers devices, and shows what they sign in with: only here. */
export function AddDevices({ product, onClose }: { product: string; onClose: () => void }) {
  const { t } = useWords()
  const client = useQueryClient()
  const [way, setWay] = useState<Way>('one')
  const [form] = Form.useForm<Fields>()
  const add = useMutation({
    mutationFn: (f: Fields) => api.addDevices(product, bodyOf(way, f)),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ['devices', product] })
      void client.invalidateQueries({ queryKey: ['product', product] })
    },
  })
  if (add.data) return <Added product={product} devices={add.data.devices} onClose={onClose} />
  return (
    <Dialog title={t('device.add')} onCancel={onClose} onOk={form.submit} okButtonProps={{ loading: add.isPending }}>
      <Form<Fields> form={form} layout="vertical" initialValues={{ prefix: 'dev-', count: 10 }} onFinish={add.mutate}>
        <Form.Item><Segmented block value={way} onChange={setWay} options={ways.map((value) => ({ value, label: t(`device.add.${value}`) }))} /></Form.Item>
        {add.error && <Form.Item><Failure error={add.error} /></Form.Item>}
        <Entry way={way} onFile={(text) => form.setFieldValue('names', namesIn(text).join('\n'))} />
      </Form>
    </Dialog>
  )
}

function bodyOf(way: Way, f: Fields): NewDevices {
  if (way === 'one') return { deviceName: f.name.trim() }
  return way === 'many' ? { prefix: f.prefix, count: f.count } : { deviceNames: namesIn(f.names) }
}

function Entry({ way, onFile }: { way: Way; onFile: (text: string) => void }) {
  const { t, format } = useWords()
  const needed = { required: true, message: t('form.required') }
  if (way === 'one') {
    return (
      <Form.Item name="name" label={t('device.name')} extra={t('device.nameHint')} rules={[needed, { pattern: /^[\w@.:-]{4,32}$/, message: t('device.nameHint') }]}>
        <Input autoFocus spellCheck={false} />
      </Form.Item>
    )
  }
  if (way === 'many') {
    return (
      <Flex gap="middle" wrap>
        <Form.Item name="prefix" label={t('device.prefix')} extra={t('device.prefixHint')} rules={[needed]}><Input spellCheck={false} /></Form.Item>
        <Form.Item name="count" label={t('device.count')} rules={[needed]}><InputNumber min={1} max={most} precision={0} /></Form.Item>
      </Flex>
    )
  }
  return (
    <>
      <Form.Item>
        <Upload accept=".csv,.txt,text/csv,text/plain" maxCount={1} showUploadList={false} beforeUpload={async (file) => { onFile(await file.text()); return Upload.LIST_IGNORE }}>
          <Button icon={<UploadIcon />}>{t('device.file')}</Button>
        </Upload>
      </Form.Item>
      <Form.Item name="names" label={t('device.names')} extra={t('device.namesHint', { n: format.number(most) })} rules={[needed]}>
        <Input.TextArea rows={8} spellCheck={false} />
      </Form.Item>
    </>
  )
}

function Added({ product, devices, onClose }: { product: string; devices: Credentials[]; onClose: () => void }) {
  const { t } = useWords()
  const door = useDoor()
  const [kept, setKept] = useState(false)
  const one = devices.length === 1 ? devices[0] : undefined
  const save = (
    <Button key="csv" type={one ? 'default' : 'primary'} icon={<DownloadIcon />}
      onClick={() => { download(`${product}-devices.csv`, csvOf(product, devices)); setKept(true) }}>{t('device.download')}</Button>
  )
  return (
    <Dialog title={t('device.added', { n: devices.length })} onCancel={onClose} mask={{ closable: false }} keyboard={false}
      footer={[save, <Button key="close" disabled={!one && !kept} onClick={onClose}>{t('do.close')}</Button>]} closable={!!one || kept}>
      {one ? (
        <Flex vertical gap="middle">
          <Secrets values={{ ProductKey: product, DeviceName: one.deviceName, DeviceSecret: one.deviceSecret }} />
          {door && <Typography.Text>{t('device.start')}</Typography.Text>}
          {door && <Command line={commands.agent(product, one, door)} />}
        </Flex>
      ) : (
        <Flex vertical gap="middle">
          <Alert type="warning" showIcon title={t('secret.once')} />
          <Typography.Text>{t('device.addedHint', { first: devices[0]!.deviceName, last: devices.at(-1)!.deviceName })}</Typography.Text>
        </Flex>
      )}
    </Dialog>
  )
}
