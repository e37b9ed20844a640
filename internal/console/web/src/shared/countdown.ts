/** secondsLeft is how many whole seconds there are from now to a time: 0 from that time on, or without one. */
export function secondsLeft(until: string | null | undefined, now: number): number {
  const at = until ? Date.parse(until) : NaN
  return Number.isNaN(at) ? 0 : Math.max(0, Math.ceil((at - now) / 1000))
}

/** countdown writes seconds as 0:42 or 1:05:09. */
export function countdown(seconds: number): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, Math.floor(seconds % 60)]
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}
