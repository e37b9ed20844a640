import { useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { api, type Config, type Milestone, type Push } from '../api/api'
import { now } from '../api/http'
import { queries } from '../app/queries'
import { withSample, type Sample } from './samples'
import { settling } from './settling'

const samplesKey = (no: number) => ['samples', no]

/** retry is how long to wait after the server refused a stream. A lost connection the browser mends itself. */
const retry = 2000

const none: Milestone[] = []

/** useLivePush shows a push, and follows it while it runs and a little longer. */
export function useLivePush(no: number) {
  const client = useQueryClient()
  const query = useQuery({ ...queries.push(no), refetchInterval: ({ state }) => settling(state.data, now()) && 2000 })
  const samples = useQuery<Sample[]>({ queryKey: samplesKey(no), queryFn: () => [], enabled: false, initialData: [], gcTime: 30 * 60_000 }).data
  const running = query.data?.state === 'running'
  const progress = useQuery({ ...queries.pushProgress(no), enabled: !!query.data, refetchInterval: running ? 2000 : false }).data ?? none
  const [connected, setConnected] = useState(true)

  useEffect(() => {
    if (!running) return
    let timer: ReturnType<typeof setTimeout> | undefined
    let stream: EventSource
    const open = () => {
      stream = api.pushEvents(no)
      stream.onopen = () => setConnected(true)
      stream.onerror = () => {
        setConnected(false)
        if (stream.readyState !== EventSource.CLOSED) return
        // The query finds out why: the session is over, say. Then try again.
        void client.invalidateQueries(queries.push(no))
        timer = setTimeout(open, retry)
      }
      stream.addEventListener('push', (event) => {
        const push = JSON.parse(event.data as string) as Push
        if (push.state !== 'running') stream.close()
        note(client, push)
      })
    }
    open()
    return () => {
      clearTimeout(timer)
      stream.close()
      setConnected(true)
    }
  }, [no, running, client])

  return { push: query.data, samples, progress, connected, error: query.error, retry: query.refetch }
}

/** note puts what a stream said where the screens look. */
function note(client: QueryClient, push: Push): void {
  const at = (push.endedAt ? Date.parse(push.endedAt) : now()) - Date.parse(push.startedAt)
  client.setQueryData<Sample[]>(samplesKey(push.no), (all = []) => withSample(all, { at, applied: push.applied, failed: push.failed }))
  client.setQueryData(queries.push(push.no).queryKey, push)
  client.setQueryData<Config>(queries.config(push.productKey).queryKey, (c) => c && (c.lastPush?.no === push.no ? { ...c, lastPush: push } : c))
  if (push.state === 'running') return
  for (const queryKey of [['config', push.productKey], ['versions', push.productKey], ['pushes'], ['push-devices', push.no], ['push-progress', push.no]]) {
    void client.invalidateQueries({ queryKey })
  }
}
