import { certificatesIn } from './ca'

/** Fault is why a text in PEM is refused before it is sent. */
export type Fault = 'long' | 'key' | 'none' | 'many' | 'list'

/** longest is how many characters a text in PEM may have: of CAs, and of a list with as many certificates as may be revoked. */
export const longest = { ca: 64 * 1024, crl: 1_000_000 }

/** faultOfCA is what is wrong with the certificates of CAs, of which room more are taken. A private key must not even be sent. */
export function faultOfCA(text: string, room: number): Fault | undefined {
  if (text.length > longest.ca) return 'long'
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)) return 'key'
  const n = certificatesIn(text).length
  if (n === 0) return 'none'
  return n > room ? 'many' : undefined
}

/** faultOfCRL is what is wrong with a list of revoked certificates. */
export function faultOfCRL(text: string): Fault | undefined {
  if (text.length > longest.crl) return 'long'
  return /-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/.test(text) ? undefined : 'list'
}
