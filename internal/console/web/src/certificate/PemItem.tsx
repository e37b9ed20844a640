import { Button, Form, Input, Upload } from 'antd'
import { useWords } from '../i18n/language'
import { UploadIcon } from '../shared/icons'
import type { Fault } from './pem'

type Props = {
  label: string
  hint: string
  begin: string // how such a text begins
  longest: number
  room?: number // how many certificates are taken
  autoFocus?: boolean
  check: (text: string) => Fault | undefined
}

/** PemItem is the text pem of a form: pasted, or read from a file. */
export function PemItem({ label, hint, begin, longest, room = 0, autoFocus, check }: Props) {
  const { t, format } = useWords()
  const form = Form.useFormInstance<{ pem: string }>()
  const why = (fault: Fault) => {
    if (fault === 'long') return t('pem.long', { size: format.bytes(longest) })
    return fault === 'many' ? t('pem.many', { n: room }) : t(`pem.${fault}`)
  }
  const validator = (_: unknown, text = '') => {
    const fault = check(text)
    return fault ? Promise.reject(new Error(why(fault))) : Promise.resolve()
  }
  const read = async (file: File) => {
    if (file.size > longest) {
      form.setFields([{ name: 'pem', errors: [why('long')] }])
      return
    }
    form.setFieldValue('pem', await file.text())
    await form.validateFields(['pem']).catch(() => undefined) // the field says what is wrong
  }
  return (
    <>
      <Form.Item name="pem" label={label} extra={hint} rules={[{ validator }]} validateTrigger="onBlur">
        <Input.TextArea autoFocus={autoFocus} rows={8} spellCheck={false} placeholder={begin} style={{ fontFamily: 'monospace' }} />
      </Form.Item>
      <Form.Item>
        <Upload accept=".pem,.crt,.cer,.crl,text/plain" maxCount={1} showUploadList={false} beforeUpload={async (file) => { await read(file); return Upload.LIST_IGNORE }}>
          <Button icon={<UploadIcon />}>{t('device.file')}</Button>
        </Upload>
      </Form.Item>
    </>
  )
}
