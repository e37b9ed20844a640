import { expect, test } from 'vitest'
import { serialsIn } from './serials'

test.each([
  ['as openssl shows it', 'serial=1A2B', '1a2b'],
  ['with colons', '00:1a:2B', '1a2b'],
  ['with 0x', '0x1a2b', '1a2b'],
  ['of nothing but zeros', '00:00', '0'],
  ['of 20 octets', '7f'.repeat(20), '7f'.repeat(20)],
])('takes one %s', (_, text, want) => expect(serialsIn(text)).toEqual({ serials: [want] }))

test('they may stand on lines or beside each other, and are counted once', () =>
  expect(serialsIn(' 1a\r\n2b, 3c;4d\n01A\n')).toEqual({ serials: ['1a', '2b', '3c', '4d'] }))

test('there may be none', () => expect(serialsIn(' \n')).toEqual({ serials: [] }))

test.each(['x', '-1', '1.5', '::', '0x', '1'.repeat(43)])('%s is none', (text) => expect(serialsIn(`1a ${text}`)).toMatchObject({ wrong: text }))
