import { expect, test } from 'vitest'
import type { CA, Certificate } from '../api/api'
import { certificatesIn, validityOf, without, withMore } from './ca'

const now = Date.parse('2026-11-23T00:00:00Z')
const pem = (body: string) => `-----BEGIN CERTIFICATE-----\n${body}\n-----END CERTIFICATE-----`
const certificate = (name: string, notAfter = '2036-01-01T00:00:00Z'): Certificate => ({
  subject: `CN=${name}`, serial: '1', fingerprint: `of ${name}`, notBefore: '2016-01-01T00:00:00Z', notAfter,
})
const trusting = (...all: [string, Certificate][]): CA => ({
  certificates: all.map(([, c]) => c), pem: all.map(([body]) => pem(body) + '\n').join(''), revoked: 0,
})
const one: [string, Certificate] = ['MIIone=', certificate('one')]
const two: [string, Certificate] = ['MIItwo+/', certificate('two')]
const old: [string, Certificate] = ['MIIold', certificate('old', '2020-01-01T00:00:00Z')]

test.each([
  ['2016-01-01T00:00:00Z', '2026-11-22T23:59:59Z', 'expired'],
  ['2016-01-01T00:00:00Z', '2026-11-23T00:00:00Z', 'soon'],
  ['2016-01-01T00:00:00Z', '2026-12-22T23:59:59Z', 'soon'],
  ['2016-01-01T00:00:00Z', '2026-12-23T00:00:00Z', 'valid'],
  ['2026-11-23T00:00:01Z', '2026-12-01T00:00:00Z', 'early'],
])('from %s to %s it is %s', (notBefore, notAfter, want) => expect(validityOf({ notBefore, notAfter }, now)).toBe(want))

test('certificates are found in other text', () =>
  expect(certificatesIn(`subject=CN = one\r\n${pem('MII\r\none=')}\r\n\r\nissuer=...${pem('MIItwo')}`)).toEqual([pem('MII\r\none='), pem('MIItwo')]))

test.each(['', 'my CA', '-----BEGIN CERTIFICATE-----\nMII', '-----BEGIN X509 CRL-----\nMII\n-----END X509 CRL-----'])(
  'there is none in %j', (text) => expect(certificatesIn(text)).toEqual([]))

test('adding keeps those that are trusted', () =>
  expect(withMore(trusting(one), pem(two[0]), now)).toBe(`${pem(one[0])}\n${pem(two[0])}\n`))

test('removing keeps the others', () => expect(without(trusting(one, two), 'of one', now)).toBe(pem(two[0]) + '\n'))

test('removing the last leaves nothing', () => expect(without(trusting(one), 'of one', now)).toBe(''))

test('one that has expired is left out', () => {
  expect(withMore(trusting(old, one), pem(two[0]), now)).toBe(`${pem(one[0])}\n${pem(two[0])}\n`)
  expect(without(trusting(old, one), 'of one', now)).toBe('')
})
