import { useQuery } from '@tanstack/react-query'
import { Typography } from 'antd'
import type { Challenge } from '../api/http'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { CodeDialog } from './CodeDialog'
import { useAsked } from './useAsked'

/** VerificationDialog asks for a second proof whenever the server wants one, and lets the change go on that waits for it. */
export function VerificationDialog() {
  const { t } = useWords()
  const asked = useAsked()
  const me = useQuery(queries.me)
  const challenge = asked?.refusal.challenge
  if (!asked || !challenge) return null
  return (
    <CodeDialog key={challenge.challengeId} title={t('verify.title')} challenge={challenge} account={me.data?.account.name ?? ''}
      onPassed={asked.pass} onClose={asked.cancel}>
      <Typography.Text>{t('verify.why')}</Typography.Text>
      {unsent(challenge) && <Typography.Text type="warning">{asked.refusal.message}</Typography.Text>}
    </CodeDialog>
  )
}

/** unsent tells whether the server should have sent a code, but may not have: its own words say why. */
function unsent(c: Challenge): boolean {
  return c.methods.includes('sms') && !c.methods.includes('totp') && !c.resendAt
}
