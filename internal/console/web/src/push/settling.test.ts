import { expect, test } from 'vitest'
import type { Push } from '../api/api'
import { settling } from './settling'

const endedAt = '2026-11-22T21:00:00Z'
const end = Date.parse(endedAt)
const ended = { endedAt } as Push

test('the counts of a push may move for a while after its end', () =>
  expect([0, 9_999, 10_000].map((later) => settling(ended, end + later))).toEqual([true, true, false]))

test('a push that runs, or is not known yet, has no end', () =>
  expect([settling({ endedAt: null } as Push, end), settling(undefined, end)]).toEqual([false, false]))
