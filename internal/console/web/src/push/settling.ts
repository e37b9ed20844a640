import type { Push } from '../api/api'

/** settled is how long after its end a push may still be told of: reports that were under way count. */
const settled = 10_000

/** settling tells whether a push has ended so lately that its counts may move yet. */
export function settling(push: Push | undefined, now: number): boolean {
  return !!push?.endedAt && now - Date.parse(push.endedAt) < settled
}
