import { Alert, Button } from 'antd'
import { Cancelled, Problem } from '../api/http'
import { useWords, type Translate } from '../i18n/language'
import { reason } from './reason'

const codes = [
  'invalid', 'too_large', 'unauthenticated', 'forbidden', 'verification_required', 'not_found', 'exists', 'in_use',
  'unchanged', 'stale', 'not_current', 'no_config', 'disabled', 'cooldown', 'already_pushed', 'push_running',
  'not_running', 'code_wrong', 'code_expired', 'wrong_password', 'rate_limited', 'unavailable', 'internal', 'unreachable',
] as const

/** headline says in the reader's language what kind of refusal an error is. */
export function headline(error: unknown, t: Translate): string {
  const code = error instanceof Problem ? codes.find((c) => c === error.code) : undefined
  return t(`code.${code ?? 'internal'}`)
}

/** Failure shows a refusal and the reason for it, and nothing for what was given up. */
export function Failure({ error, retry }: { error: unknown; retry?: () => unknown }) {
  const { t } = useWords()
  if (error instanceof Cancelled) return null
  const again = retry && <Button size="small" onClick={() => void retry()}>{t('do.retry')}</Button>
  return <Alert type="error" showIcon role="alert" title={headline(error, t)} description={reason(error, t) || undefined} action={again} />
}
