import type { CA, Certificate } from '../api/api'

/** most is how many CAs a product may trust. */
export const most = 4

const soon = 30 * 24 * 3600 * 1000

export type Validity = 'early' | 'valid' | 'soon' | 'expired'

/** validityOf tells whether a certificate counts at a time; soon: it does, but not for long. */
export function validityOf(c: Pick<Certificate, 'notBefore' | 'notAfter'>, at: number): Validity {
  if (at > Date.parse(c.notAfter)) return 'expired'
  if (at < Date.parse(c.notBefore)) return 'early'
  return at > Date.parse(c.notAfter) - soon ? 'soon' : 'valid'
}

/** certificatesIn are the certificates of a text in PEM. */
export function certificatesIn(text: string): string[] {
  return text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []
}

/** withMore is what a product is to trust once the CAs in a text are added. */
export function withMore(ca: CA, text: string, at: number): string {
  return joined([...kept(ca, at), ...certificatesIn(text)])
}

/** without is what a product is to trust once a CA is removed; empty: nothing. */
export function without(ca: CA, fingerprint: string, at: number): string {
  return joined(kept(ca, at, fingerprint))
}

/** kept are the certificates that stay. One that has expired lets nobody in, and the server takes it no more. */
function kept(ca: CA, at: number, fingerprint?: string): string[] {
  return certificatesIn(ca.pem).filter((_, i) => {
    const c = ca.certificates[i] // in the same order
    return c && c.fingerprint !== fingerprint && validityOf(c, at) !== 'expired'
  })
}

const joined = (all: string[]) => all.map((pem) => pem + '\n').join('')
