import { expect, test } from 'vitest'
import type { Challenge } from '../api/http'
import { isSent } from './challenge'

const challenge: Challenge = { challengeId: 'c', methods: ['sms'], phone: '138****0000', sender: 'webhook', resendAt: null }

test('a code is sent at once', () => expect(isSent(challenge)).toBe(true))

test('with an authenticator, none is sent unasked', () => expect(isSent({ ...challenge, methods: ['sms', 'totp'] })).toBe(false))

test('with an authenticator, one is sent when it is asked for', () =>
  expect(isSent({ ...challenge, methods: ['sms', 'totp'], resendAt: '2026-11-22T21:00:00Z' })).toBe(true))
