import { Flex, Input, type GetRef } from 'antd'
import { useEffect, useRef } from 'react'
import { useWords } from '../i18n/language'

type Props = {
  value: string
  ready: boolean // its dialog is open: until then, one below holds the focus
  failed: boolean
  onChange: (code: string) => void
  onWhole: (code: string) => void
}

/** CodeInput takes the six digits of a code, typed or pasted, and tells when they are all there. */
export function CodeInput({ value, ready, failed, onChange, onWhole }: Props) {
  const { t } = useWords()
  const input = useRef<GetRef<typeof Input.OTP>>(null)
  const empty = value === ''
  useEffect(() => {
    if (ready && empty) input.current?.focus()
  }, [ready, empty])
  useEffect(() => {
    // antd names each field "OTP Input n", in English, and has no property for it.
    input.current?.nativeElement?.querySelectorAll('input').forEach((field, i) => field.setAttribute('aria-label', t('verify.digit', { n: i + 1, of: length })))
  }, [t])
  return (
    <Flex justify="center">
      <Input.OTP ref={input} size="large" length={length} value={value} inputMode="numeric" autoComplete="one-time-code" aria-label={t('verify.code')}
        formatter={digits} status={failed ? 'error' : undefined}
        onInput={(cells) => onChange(cells.join(''))} onChange={(whole) => isCode(whole) && onWhole(whole)} />
    </Flex>
  )
}

const length = 6

const digits = (text: string) => text.replace(/\D/g, '')

export function isCode(text: string): boolean {
  return text.length === length && digits(text) === text
}
