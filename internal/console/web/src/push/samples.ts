/** Sample is how far a push was at a time, in milliseconds since it began. */
export type Sample = { at: number; applied: number; failed: number }

/** most bounds the samples that are kept: beyond it every second one of the older goes. */
const most = 600

/** begins tells whether samples go back to the start, near enough to say when something was reached. */
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

/** rate is how many devices applied in a second, over the last few. */
export function rate(samples: Sample[], span = 3000): number {
  const last = samples.at(-1)
  if (!last) return 0
  const first = samples.find((s) => s.at >= last.at - span)!
  return first === last ? 0 : ((last.applied - first.applied) * 1000) / (last.at - first.at)
}
