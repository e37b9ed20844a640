import { expect, test } from 'vitest'
import { countdown, secondsLeft } from './countdown'

const now = Date.parse('2026-11-22T21:00:00Z')

test.each([
  ['a minute ahead', '2026-11-22T21:01:00Z', 60],
  ['a part of a second counts as one', '2026-11-22T21:00:00.001Z', 1],
  ['the time itself', '2026-11-22T21:00:00Z', 0],
  ['a time gone by', '2026-11-22T20:00:00Z', 0],
  ['no time', null, 0],
  ['no time at all', 'soon', 0],
])('secondsLeft: %s', (_, until, want) => expect(secondsLeft(until, now)).toBe(want))

test.each([[0, '0:00'], [42, '0:42'], [61.9, '1:01'], [3600, '1:00:00'], [3909, '1:05:09']])('countdown(%s)', (seconds, want) => expect(countdown(seconds)).toBe(want))
