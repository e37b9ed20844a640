import { expect, test } from 'vitest'
import { faultOfCA, faultOfCRL, longest } from './pem'

const block = (kind: string, body = 'MIIB') => `-----BEGIN ${kind}-----\n${body}\n-----END ${kind}-----\n`
const ca = block('CERTIFICATE')

test.each([
  ['one CA', ca, undefined],
  ['as many as there is room for', ca.repeat(2), undefined],
  ['one too many', ca.repeat(3), 'many'],
  ['nothing', '', 'none'],
  ['text', 'my CA', 'none'],
  ['a list', block('X509 CRL'), 'none'],
  ['a private key', block('PRIVATE KEY'), 'key'],
  ['a CA with its private key', ca + block('EC PRIVATE KEY'), 'key'],
  ['too much', ca + ' '.repeat(longest.ca), 'long'],
])('of CAs: %s', (_, text, want) => expect(faultOfCA(text, 2)).toBe(want))

test.each([
  ['a list', block('X509 CRL'), undefined],
  ['nothing', '', 'list'],
  ['a certificate', ca, 'list'],
  ['half a list', block('X509 CRL').slice(0, -20), 'list'],
  ['too much', block('X509 CRL', 'A'.repeat(longest.crl)), 'long'],
])('of a list: %s', (_, text, want) => expect(faultOfCRL(text)).toBe(want))
