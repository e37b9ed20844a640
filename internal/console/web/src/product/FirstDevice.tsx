import { Card, Steps, Typography } from 'antd'
import { useWords } from '../i18n/language'
import { Command } from '../shared/Command'

/** FirstDevice says how to connect devices to a product that has none. */
export function FirstDevice({ product }: { product: string }) {
  const { t } = useWords()
  const url = location.port === '8080' && location.hostname === '127.0.0.1' ? '' : ` --url ${location.origin}`
  const steps = [
    { title: t('first.token'), content: <Command line={`export COTA_TOKEN=$(cota token add laptop${url})`} /> },
    { title: t('first.sim'), content: <Command line={`cota sim -n 10 -p ${product} --server ${location.hostname}:1883${url}`} /> },
    {
      title: t('first.agent'),
      content: <Command line={`COTA_DEVICE_SECRET=… cota agent --product-key ${product} --device-name my-device --server mqtt://${location.hostname}:1883`} />,
    },
  ]
  return (
    <Card title={t('first.title')}>
      <Typography.Paragraph type="secondary">{t('first.hint')}</Typography.Paragraph>
      <Steps orientation="vertical" size="small" items={steps.map((s) => ({ ...s, status: 'process' }))} />
    </Card>
  )
}
