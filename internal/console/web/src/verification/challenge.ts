import type { Challenge } from '../api/http'

/** isSent tells whether a code is on its way. With an authenticator, none is sent until it is asked for. */
export function isSent(c: Challenge): boolean {
  return c.resendAt !== null || !c.methods.includes('totp')
}
