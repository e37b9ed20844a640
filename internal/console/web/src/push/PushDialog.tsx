import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Alert, Flex, Skeleton, Statistic } from 'antd'
import { useEffect } from 'react'
import { api, type Config, type Push } from '../api/api'
import { now } from '../api/http'
import { queries } from '../app/queries'
import { Diff, DiffSpace } from '../config/LazyEditor'
import { useWords } from '../i18n/language'
import { Dialog } from '../shared/Dialog'
import { Failure } from '../shared/Failure'
import { useTick } from '../shared/useTick'

type Props = { product: string; dirty: boolean; onClose: () => void; onStarted: (push: Push) => void }

/** PushDialog is Confirm Update: what a Batch Update changes, for whom, and whether the rules allow it. */
export function PushDialog({ product, dirty, onClose, onStarted }: Props) {
  const { t, format } = useWords()
  const client = useQueryClient()
  const config = useQuery({ ...queries.config(product), refetchOnMount: 'always', refetchInterval: 5000 })
  const facts = useQuery({ ...queries.product(product), refetchOnMount: 'always', refetchInterval: 5000 })
  const start = useMutation({
    mutationFn: (version: number) => api.startPush(product, version),
    onSuccess: (push) => {
      client.setQueryData(queries.push(push.no).queryKey, push)
      void client.invalidateQueries({ queryKey: ['config', product] })
      void client.invalidateQueries({ queryKey: ['versions', product] })
      void client.invalidateQueries({ queryKey: ['pushes'] })
      onStarted(push)
    },
    onError: () => client.invalidateQueries({ queryKey: ['config', product] }),
  })
  const head = config.data?.current
  const refusal = useRefusal(config.data)
  return (
    <Dialog title={t('update.title')} width="min(1100px, 94vw)" okText={t('update.confirm')} onCancel={onClose}
      onOk={() => head && start.mutate(head.number)} okButtonProps={{ loading: start.isPending, disabled: !head || !!refusal }}>
      {config.error ? <Failure error={config.error} retry={config.refetch} /> : !config.data ? <Skeleton active /> : (
        <Flex vertical gap="middle">
          {start.error && <Failure error={start.error} />}
          {refusal ?? <Alert type="success" showIcon title={t('update.allowed')} description={t('update.once')} />}
          {dirty && <Alert type="warning" showIcon title={t('update.unsaved')} />}
          {config.data.lastPush?.state === 'running' && !refusal && <Alert type="info" showIcon title={t('update.supersedes', { no: config.data.lastPush.no })} />}
          <Flex gap={48} wrap>
            <Statistic title={t('update.version')} value={head ? head.number : '–'} />
            <Statistic title={t('product.registered')} value={facts.data ? format.number(facts.data.devices) : '–'} />
            <Statistic title={t('product.onlineNow')} value={facts.data ? format.number(facts.data.online) : '–'} />
          </Flex>
          {head && <Change product={product} head={head.number} last={config.data.lastPush?.version} />}
        </Flex>
      )}
    </Dialog>
  )
}

/** Change compares the current version with the one that was pushed last, if that is still kept. */
function Change({ product, head, last }: { product: string; head: number; last?: number }) {
  const { t } = useWords()
  const after = useQuery(queries.version(product, head))
  const compared = last !== undefined && last !== head
  const before = useQuery({ ...queries.version(product, last ?? 0), enabled: compared })
  if (last === head) return null
  if (after.error) return <Failure error={after.error} retry={after.refetch} />
  if (!after.data || (compared && before.isPending)) return <DiffSpace />
  const left = last === undefined ? t('diff.neverPushed') : before.data ? t('diff.lastPushed', { n: last }) : t('diff.gone', { n: last })
  return <Diff before={before.data?.content ?? ''} after={after.data.content ?? ''} labels={[left, t('diff.toPush', { n: head })]} />
}

/** useRefusal says why the rules do not allow a push now, as the server would; null: they do. */
function useRefusal(config: Config | undefined) {
  const { t } = useWords()
  const client = useQueryClient()
  const until = config?.nextPushAt ? Date.parse(config.nextPushAt) : 0
  const time = useTick(until > now() ? 1000 : null)
  const cooling = until > time
  useEffect(() => {
    if (until && !cooling) void client.invalidateQueries({ queryKey: ['config'] })
  }, [until, cooling, client])
  if (!config) return null
  if (!config.enabled) return <Alert type="error" showIcon title={t('update.off')} />
  if (!config.current) return <Alert type="error" showIcon title={t('update.nothing')} />
  if (config.current.pushed) return <Alert type="error" showIcon title={t('update.pushed', { n: config.current.number })} description={t('update.once')} />
  if (!cooling) return null
  return (
    <Alert type="error" showIcon title={t('update.cooldown')}
      action={<Statistic.Timer type="countdown" title={t('update.wait')} value={until - (now() - Date.now())} />} />
  )
}
