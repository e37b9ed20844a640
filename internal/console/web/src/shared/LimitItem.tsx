import { Form, InputNumber } from 'antd'
import { useWords } from '../i18n/language'

export type Limit = { name: string; min: number; max: number; unit?: 's' | 'B' }

type Props = Limit & { label: string; hint: string }

/** LimitItem is a number of a form, with its bounds, and what it comes to: 2,592,000 seconds are 30 days. */
export function LimitItem({ name, min, max, unit, label, hint }: Props) {
  const { t, format } = useWords()
  const value: unknown = Form.useWatch(name)
  const long = typeof value === 'number' && value >= (unit === 's' ? 60 : 1024)
  const means = !long || !unit ? '' : `= ${unit === 's' ? format.duration(value * 1000) : format.bytes(value)}`
  return (
    <Form.Item label={label} htmlFor={name} extra={`${hint} ${t('limit.bounds', { min, max })}`}>
      <Form.Item name={name} noStyle rules={[{ required: true, message: t('form.required') }]}>
        <InputNumber id={name} min={min} max={max} precision={0} style={{ width: 200 }} />
      </Form.Item>
      <span style={{ marginInlineStart: 12, fontVariantNumeric: 'tabular-nums' }}>{means}</span>
    </Form.Item>
  )
}
