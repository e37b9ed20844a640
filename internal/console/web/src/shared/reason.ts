import { hasCode } from '../api/http'
import type { Translate } from '../i18n/language'

/** reason is why something was refused: in the reader's language where the console can say it, else in the server's own words. */
export function reason(error: unknown, t: Translate): string {
  if (hasCode(error, 'code_wrong')) return wrongCode(error.triesLeft, t)
  return error instanceof Error ? error.message : ''
}

function wrongCode(left: number | undefined, t: Translate): string {
  if (left === undefined) return t('verify.wrong')
  return left > 0 ? t('verify.wrongLeft', { n: left }) : t('verify.wrongLast')
}
