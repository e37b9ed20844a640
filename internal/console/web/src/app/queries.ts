import { MutationCache, QueryCache, QueryClient, queryOptions, useQuery } from '@tanstack/react-query'
import { api } from '../api/api'
import { hasCode, Problem } from '../api/http'

declare module '@tanstack/react-query' {
  interface Register {
    defaultError: Error
    /** ownPassword: a 401 means that a password was wrong, not that the session is over. */
    mutationMeta: { ownPassword?: true }
  }
}

/** signedOut is the key of a flag: the session ended while the page was open. */
const signedOut = ['signed-out']

export const queryClient: QueryClient = new QueryClient({
  queryCache: new QueryCache({ onError: noteEnd }),
  mutationCache: new MutationCache({
    onError: (error, _variables, _result, mutation) => {
      if (!mutation.meta?.ownPassword) noteEnd(error)
    },
  }),
  defaultOptions: {
    queries: {
      staleTime: 2_000,
      // What the server refused, it refuses again; what did not reach it may the next time.
      retry: (failures, error) => failures < 2 && (!(error instanceof Problem) || error.status === 0 || error.status >= 502),
      retryDelay: (failures) => 500 * 2 ** failures,
    },
    mutations: { retry: false, networkMode: 'always' },
  },
})

function noteEnd(error: Error): void {
  if (hasCode(error, 'unauthenticated')) queryClient.setQueryData(signedOut, true)
}

export function useSignedOut(): boolean {
  return useQuery({ queryKey: signedOut, queryFn: () => false, initialData: false, staleTime: Infinity, gcTime: Infinity }).data
}

/** greet begins a session: everything is asked for anew, and texts being written stay as they are. */
export async function greet(): Promise<void> {
  await queryClient.fetchQuery({ ...queries.me, staleTime: 0 })
  queryClient.setQueryData(signedOut, false)
  await queryClient.invalidateQueries({ predicate: (q) => q.queryKey[0] !== signedOut[0] })
}

/** queries are the single things that screens ask for. Lists are asked for through useKeyset. */
export const queries = {
  me: queryOptions({ queryKey: ['me'], queryFn: api.me, staleTime: 60_000 }),
  instance: (id: string) => queryOptions({ queryKey: ['instance', id], queryFn: () => api.instance(id) }),
  product: (key: string) => queryOptions({ queryKey: ['product', key], queryFn: () => api.product(key) }),
  config: (key: string) => queryOptions({ queryKey: ['config', key], queryFn: () => api.config(key) }),
  version: (key: string, number: number) =>
    queryOptions({ queryKey: ['version', key, number], queryFn: () => api.version(key, number), staleTime: 60_000 }),
  push: (no: number) => queryOptions({ queryKey: ['push', no], queryFn: () => api.push(no) }),
  pushProgress: (no: number) => queryOptions({ queryKey: ['push-progress', no], queryFn: () => api.pushProgress(no) }),
  messages: (key: string, name: string) => queryOptions({ queryKey: ['messages', key, name], queryFn: () => api.messages(key, name) }),
  verification: queryOptions({ queryKey: ['verification'], queryFn: api.verification }),
  server: queryOptions({ queryKey: ['server'], queryFn: api.server, staleTime: Infinity }),
  device: (key: string, name: string) =>
    queryOptions({ queryKey: ['device', key, name], queryFn: () => api.device(key, name) }),
}
