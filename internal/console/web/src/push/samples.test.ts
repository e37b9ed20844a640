import { expect, test } from 'vitest'
import type { Milestone, Push } from '../api/api'
import { drawn, rate, reached, timeTo, withSample, type Sample } from './samples'

const at = (ms: number, applied: number): Sample => ({ at: ms, applied, failed: 0 })

test('the start is known to who was there', () =>
  expect(withSample([], at(200, 5))).toEqual([at(0, 0), at(200, 5)]))

test('who comes late does not know the start', () => expect(withSample([], at(9000, 5))).toEqual([at(9000, 5)]))

test('time does not go back', () => expect(withSample([at(300, 5)], at(300, 6))).toEqual([at(300, 5)]))

test('samples are bounded', () => {
  let all: Sample[] = []
  for (let i = 1; i <= 5000; i++) all = withSample(all, at(i * 250, i))
  expect(all.length).toBeLessThanOrEqual(601)
  expect(all.at(-1)).toEqual(at(5000 * 250, 5000))
})

test('what was reached between two samples is estimated', () =>
  expect(reached([at(0, 0), at(1000, 40), at(2000, 60)], 50)).toBe(1500))

test('what was reached before the first sample is not known', () =>
  expect(reached([at(9000, 60), at(9500, 70)], 50)).toBeUndefined())

test('what was not reached has no time', () => expect(reached([at(0, 0), at(1000, 40)], 50)).toBeUndefined())

test('the rate is that of the last seconds', () =>
  expect(rate([at(0, 0), at(7000, 700), at(8000, 710), at(10_000, 730)], 10_000)).toBe(10))

test('two samples at once make no great rate', () => expect(rate([at(0, 0), at(9000, 80), at(9001, 90)], 9000)).toBe(10))

test('the rate is none when nothing moves', () => expect(rate([at(0, 0), at(1000, 100)], 5000)).toBe(0))

test('there is no rate before there are two samples', () => expect([rate([], 500), rate([at(0, 0)], 500)]).toEqual([0, 0]))

const startedAt = '2026-11-22T21:00:00.000Z'
const milestone = (percent: number, seconds: number): Milestone => ({ percent, at: new Date(Date.parse(startedAt) + seconds * 1000).toISOString() })
const push = (more: Partial<Push>): Push => ({
  no: 1, productKey: 'a1b', productName: 'meter', version: 1, state: 'running', total: 200, pending: 0, sent: 0, received: 0, fetched: 0, applied: 0, failed: 0,
  startedBy: 'admin', startedAt, endedAt: null, reason: '', ...more,
})

test('the server knows when a share was reached, or the next one after it', () => {
  const progress = [milestone(33, 1), milestone(66, 2), milestone(100, 4)]
  expect([33, 50, 95, 100].map((p) => timeTo(p, progress, startedAt))).toEqual([1000, 2000, 4000, 4000])
  expect(timeTo(95, progress.slice(0, 2), startedAt)).toBeUndefined()
})

test('who comes late sees what was before, as the server has it', () =>
  expect(drawn(push({}), [milestone(10, 1), milestone(50, 3), milestone(80, 9)], [at(5000, 120), at(5500, 130)])).toEqual([
    { at: 0, applied: 0, failed: null }, { at: 1000, applied: 20, failed: null }, { at: 3000, applied: 100, failed: null }, at(5000, 120), at(5500, 130),
  ]))

test('who comes after the end sees it all', () =>
  expect(drawn(push({ state: 'completed', applied: 198, failed: 2, endedAt: '2026-11-22T21:00:08Z' }), [milestone(50, 2), milestone(99, 4)], [])).toEqual([
    { at: 0, applied: 0, failed: null }, { at: 2000, applied: 100, failed: null }, { at: 4000, applied: 198, failed: null }, { at: 8000, applied: 198, failed: 2 },
  ]))

test('shares that were reached at once are one sample', () =>
  expect(drawn(push({}), [milestone(1, 1), milestone(2, 1), milestone(3, 1)], []).slice(1)).toEqual([{ at: 1000, applied: 6, failed: null }]))

test('without anything remembered, what was seen is all', () => expect(drawn(push({}), [], [at(0, 0), at(500, 5)])).toEqual([at(0, 0), at(500, 5)]))

test('the end is not before what was seen by this clock', () =>
  expect(drawn(push({ state: 'completed', applied: 200, endedAt: '2026-11-22T21:00:05Z' }), [], [at(0, 0), at(4900, 190), at(5100, 196)])).toEqual([
    at(0, 0), at(4900, 190), at(5100, 200),
  ]))

test('what is reported after the end counts', () =>
  expect(drawn(push({ state: 'stopped', applied: 12, endedAt: '2026-11-22T21:00:05Z' }), [], [at(0, 0), at(5000, 10)])).toEqual([at(0, 0), at(5000, 12)]))

test('the line does not dip from the server\'s clock to this one', () =>
  expect(drawn(push({}), [milestone(50, 1), milestone(80, 2)], [at(2100, 150), at(2600, 170)]).map((s) => s.applied)).toEqual([0, 100, 150, 150, 170]))

test('devices that take back what they applied are seen to', () =>
  expect(drawn(push({}), [milestone(50, 1)], [at(2000, 120), at(3000, 90)]).map((s) => s.applied)).toEqual([0, 100, 120, 90]))
