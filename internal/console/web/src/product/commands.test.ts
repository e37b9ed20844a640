import { expect, test } from 'vitest'
import type { Me, Role } from '../api/api'
import { commands } from './commands'

const me = (name: string, role: Role): Me => ({
  account: { name, role, disabled: false, phone: '', totp: false, createdAt: '2026-11-22T21:00:00Z' }, role, token: '', trusted: true,
})
const here = 'http://127.0.0.1:8080'
const there = 'https://cota.example.com'

test.each([
  [me('admin', 'admin'), here, 'export COTA_TOKEN=$(cota token add laptop)'],
  [me('admin', 'admin'), there, 'export COTA_TOKEN=$(cota token add laptop --url https://cota.example.com)'],
  [me('eve', 'editor'), here, 'export COTA_TOKEN=$(cota token add laptop --account eve --role editor)'],
])('a token is one that its maker may have', (who, origin, want) => expect(commands.token(who, origin)).toBe(want))

test('simulated devices connect to the server of this page', () =>
  expect(commands.sim('a1b', 'cota.example.com:1884', there)).toBe('cota sim -n 10 -p a1b --server cota.example.com:1884 --url https://cota.example.com'))

test('an agent has all that it signs in with', () =>
  expect(commands.agent('a1b', { deviceName: 'meter-1', deviceSecret: '5ec4e7' }, '127.0.0.1:1883')).toBe(
    'COTA_DEVICE_SECRET=5ec4e7 cota agent --product-key a1b --device-name meter-1 --server mqtt://127.0.0.1:1883'))
