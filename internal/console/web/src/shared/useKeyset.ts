import { keepPreviousData, useQuery, type QueryKey } from '@tanstack/react-query'
import { useState } from 'react'
import type { Page, Slice } from '../api/api'

type Options<T> = { limit?: number; refetchInterval?: number | false | ((rows: T[] | undefined) => number) }

export type Keyset<T> = ReturnType<typeof useKeyset<T>>

/** useKeyset shows a list of any length page by page. Another key begins at the first page. */
export function useKeyset<T>(
  key: QueryKey,
  fetch: (page: Page, signal: AbortSignal) => Promise<Slice<T>>,
  { limit = 50, refetchInterval }: Options<T> = {},
) {
  const list = JSON.stringify(key)
  const [at, setAt] = useState({ list, pages: [] as string[] })
  const pages = at.list === list ? at.pages : []
  const after = pages.at(-1)
  const query = useQuery({
    queryKey: [...key, { after, limit }],
    queryFn: ({ signal }) => fetch({ after, limit }, signal),
    placeholderData: keepPreviousData,
    refetchInterval: typeof refetchInterval === 'function' ? (q) => refetchInterval(q.state.data?.rows) : refetchInterval,
  })
  const next = query.data?.next
  return {
    query,
    rows: query.data?.rows,
    page: pages.length + 1,
    back: pages.length > 0 ? () => setAt({ list, pages: pages.slice(0, -1) }) : undefined,
    forth: next ? () => setAt({ list, pages: [...pages, next] }) : undefined,
  }
}
