import { expect, test } from 'vitest'
import { networkOf } from './networks'

test.each([
  ['a network', '192.0.2.0/24', '192.0.2.0/24'],
  ['an address', ' 192.0.2.7 ', '192.0.2.7/32'],
  ['an IPv6 network', '2001:db8::/48', '2001:db8::/48'],
  ['an IPv6 address', '::1', '::1/128'],
  ['everywhere', '0.0.0.0/0', '0.0.0.0/0'],
])('takes %s', (_, text, want) => expect(networkOf(text)).toBe(want))

test.each(['', 'example.com', '192.0.2', '192.0.2.256', '192.0.2.0/33', '192.0.2.0/', '192.0.2.0/24/1', '192.0.02.1', '2001:db8::/129', '2001:db8:::1', 'fe80::1%eth0'])(
  'refuses %s', (text) => expect(networkOf(text)).toBeUndefined())
