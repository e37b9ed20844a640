import { expect, test } from 'vitest'
import { rate, reached, withSample, type Sample } from './samples'

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
  expect(rate([at(0, 0), at(7000, 700), at(8000, 710), at(10_000, 730)])).toBe(10))
