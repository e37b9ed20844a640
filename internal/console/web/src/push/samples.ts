import type { Milestone, Push } from '../api/api'

/** Sample is how far a push was at a time, in milliseconds since it began. How many had failed is not always known. */
export type Sample = { at: number; applied: number; failed: number | null }

/** most bounds the samples that are kept: beyond it every second one of the older goes. */
const most = 600

/** near is how soon after the start the first sample must be for the start to be known. */
const near = 1500

export function withSample(samples: Sample[], next: Sample): Sample[] {
  const last = samples.at(-1)
  if (last && next.at <= last.at) return samples
  const before = samples.length === 0 && next.at <= near ? [{ at: 0, applied: 0, failed: 0 }] : samples
  const thin = before.length >= most ? before.filter((_, i) => i % 2 === 0 || i === before.length - 1) : before
  return [...thin, next]
}

/** reached is when so many devices had applied, or undefined if these samples do not tell. */
export function reached(samples: Sample[], applied: number): number | undefined {
  const i = samples.findIndex((s) => s.applied >= applied)
  const [before, after] = [samples[i - 1], samples[i]]
  if (!before || !after) return undefined // not yet, or before the first sample
  const share = (applied - before.applied) / (after.applied - before.applied)
  return before.at + share * (after.at - before.at)
}

/** rate is how many devices applied in a second, over the last few before a time: none, if nothing was heard in them. */
export function rate(samples: Sample[], at: number, span = 3000): number {
  const last = samples.at(-1)
  const first = samples.findLast((s) => s.at <= at - span) ?? samples[0]
  return !last || !first || first === last ? 0 : ((last.applied - first.applied) * 1000) / Math.max(at - first.at, 1)
}

/** timeTo is when so many per cent of the devices had applied, as the server has it; undefined: not yet, or it was not noted. */
export function timeTo(percent: number, progress: Milestone[], startedAt: string): number | undefined {
  const reached = progress.find((m) => m.percent >= percent)
  return reached && Date.parse(reached.at) - Date.parse(startedAt)
}

/**
 * drawn are the samples of a chart: those that were seen here, before them what
 * the server remembers of the time when nobody looked, and the end. Times of
 * the server and of this clock differ a little: the line neither dips where
 * one follows the other, nor ends before the counts of the push do.
 */
export function drawn(push: Push, progress: Milestone[], seen: Sample[]): Sample[] {
  const start = Date.parse(push.startedAt)
  const first = seen[0] ?? { at: Infinity, applied: Infinity }
  const remembered = progress
    .map((m) => ({ at: Date.parse(m.at) - start, applied: Math.min(Math.ceil((push.total * m.percent) / 100), first.applied), failed: null }))
    .filter((s, i, all) => s.at < first.at && s.at !== all[i + 1]?.at)
  const all = remembered.length === 0 ? seen : [{ at: 0, applied: 0, failed: null }, ...remembered.filter((s) => s.at > 0), ...seen]
  if (!push.endedAt) return all
  const end = Math.max(Date.parse(push.endedAt) - start, all.at(-1)?.at ?? 0)
  return [...all.filter((s) => s.at < end), { at: end, applied: push.applied, failed: push.failed }]
}
