import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Flex, Segmented } from 'antd'
import { useState, type ReactNode } from 'react'
import { api, type Passed } from '../api/api'
import { hasCode, type Challenge, type Method } from '../api/http'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Dialog, still } from '../shared/Dialog'
import { Failure } from '../shared/Failure'
import { CodeInput, isCode } from './CodeInput'
import { Hint } from './Hint'
import { Resend } from './Resend'

type Props = {
  title: string
  challenge: Challenge
  account?: string // whose recovery code passes the challenge too; without: none does
  children: ReactNode // why a code is asked for
  onPassed: (passed: Passed) => void
  onClose: () => void
}

/** CodeDialog has a challenge passed with a code. */
export function CodeDialog({ title, challenge: first, account, children, onPassed, onClose }: Props) {
  const { t } = useWords()
  const client = useQueryClient()
  const [challenge, setChallenge] = useState(first)
  const ways: Method[] = account === undefined ? challenge.methods : [...challenge.methods, 'recovery']
  const [way, setWay] = useState<Method>(challenge.methods.includes('totp') ? 'totp' : (ways[0] ?? 'sms'))
  const [code, setCode] = useState('')
  const [open, setOpen] = useState(false)

  const verify = useMutation({
    mutationFn: (whole: string) => api.verify(challenge.challengeId, whole, way),
    onSuccess: (passed) => {
      void client.invalidateQueries(queries.me)
      onPassed(passed)
    },
    onError: (error) => {
      if (hasCode(error, 'code_wrong', 'code_expired')) setCode('')
    },
  })
  const choose = (other: Method) => {
    setWay(other)
    setCode('')
    verify.reset()
  }
  const resent = (fresh: Challenge) => {
    setChallenge(fresh) // and with it the input: a new one takes the focus
    setCode('')
    verify.reset()
  }
  return (
    <Dialog title={title} width={480} onCancel={onClose} mask={{ closable: false }} afterOpenChange={setOpen} {...still} okText={t('verify.do')}
      onOk={() => verify.mutate(code)} okButtonProps={{ loading: verify.isPending, disabled: !isCode(code) }}>
      <Flex vertical gap="middle">
        {children}
        {ways.length > 1 && (
          <Segmented<Method> block name="way" aria-label={t('verify.way')} value={way} onChange={choose} options={ways.map((value) => ({ value, label: t(`verify.way.${value}`) }))} />
        )}
        <Hint challenge={challenge} way={way} account={account ?? ''} onLeave={onClose} />
        <CodeInput key={`${way} ${challenge.resendAt}`} value={code} ready={open} failed={!!verify.error} onChange={setCode} onWhole={(whole) => verify.isPending || verify.mutate(whole)} />
        <div role="alert">{verify.error && <Failure error={verify.error} />}</div>
        {way === 'sms' && <Resend challenge={challenge} onResent={resent} />}
      </Flex>
    </Dialog>
  )
}
