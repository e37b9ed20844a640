import { expect, test } from 'vitest'
import { bare, isPhone } from './phone'

test('a number may be written to be read', () => expect(bare('+49 (170) 123-4567')).toBe('+491701234567'))

test.each(['13800000000', '+86 138 0000 0000', '12345'])('takes %s', (text) => expect(isPhone(text)).toBe(true))

test.each(['', '1234', '+1234567890123456', '138x0000000', '0049+1'])('refuses %s', (text) => expect(isPhone(text)).toBe(false))
