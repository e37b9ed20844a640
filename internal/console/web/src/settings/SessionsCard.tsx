import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Button, Card, Flex, Tag, Typography, type TableColumnsType } from 'antd'
import { api, type Session } from '../api/api'
import { useWords } from '../i18n/language'
import { KeysetTable } from '../shared/KeysetTable'
import { Time } from '../shared/Time'
import { useConfirm } from '../shared/useConfirm'
import { useFailure } from '../shared/useFailure'
import { useKeyset } from '../shared/useKeyset'
import { browserName } from './browser'

/** SessionsCard lists where one is signed in, and ends that. */
export function SessionsCard() {
  const { t } = useWords()
  const client = useQueryClient()
  const sessions = useKeyset(['sessions'], api.sessions)
  const confirm = useConfirm()
  const done = { onSuccess: () => client.invalidateQueries({ queryKey: ['sessions'] }), onError: useFailure() }
  const end = useMutation({ mutationFn: api.endSession, ...done })
  const endOthers = useMutation({ mutationFn: api.endOtherSessions, ...done })
  const name = (s: Session) => browserName(s.browser) || t('sessions.unknown')
  const columns: TableColumnsType<Session> = [
    { title: t('sessions.browser'), key: 'browser', render: (_, s) => <Typography.Text title={s.browser || undefined}>{name(s)}</Typography.Text> },
    { title: t('sessions.address'), dataIndex: 'address' },
    { title: t('sessions.createdAt'), dataIndex: 'createdAt', render: (at: string) => <Time at={at} /> },
    { title: t('sessions.seenAt'), dataIndex: 'seenAt', render: (at: string) => <Time at={at} /> },
    {
      title: t('list.actions'), key: 'actions', render: (_, s) => s.current ? <Tag>{t('sessions.current')}</Tag> : (
        <Button type="link" danger size="small" onClick={() => confirm({
          title: t('sessions.endAsk', { name: name(s), address: s.address }), okText: t('sessions.end'), danger: true, onOk: () => end.mutate(s.id),
        })}>{t('sessions.end')}</Button>
      ),
    },
  ]
  const alone = !sessions.rows?.some((s) => !s.current)
  return (
    <Card title={t('sessions.title')}>
      <Flex vertical gap="middle">
        <Flex justify="space-between" gap="middle" align="center" wrap>
          <Typography.Text type="secondary">{t('sessions.hint')}</Typography.Text>
          <Button danger disabled={alone} loading={endOthers.isPending} onClick={() => confirm({
            title: t('sessions.endOthersAsk'), okText: t('sessions.endOthers'), danger: true, onOk: () => endOthers.mutate(),
          })}>{t('sessions.endOthers')}</Button>
        </Flex>
        <KeysetTable<Session> keyset={sessions} empty={t('sessions.none')} rowKey="id" columns={columns} />
      </Flex>
    </Card>
  )
}
