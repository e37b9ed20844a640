import { useQuery } from '@tanstack/react-query'
import { Button, Card, Skeleton, Steps, Typography } from 'antd'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { Command } from '../shared/Command'
import { Failure } from '../shared/Failure'
import { commands } from './commands'
import { useDoor } from './useDoor'

/** FirstDevice says how to connect devices to a product that has none. It goes as soon as there is one, so the caller shows what was added. */
export function FirstDevice({ product, onAdd }: { product: string; onAdd: () => void }) {
  const { t } = useWords()
  const me = useQuery(queries.me).data
  const { error, refetch } = useQuery(queries.server)
  const door = useDoor()
  const add = <Allowed least="editor">{(disabled) => <Button disabled={disabled} onClick={onAdd}>{t('first.add')}</Button>}</Allowed>
  const steps = me && door && [
    { title: t('first.token'), content: <Command line={commands.token(me, location.origin)} /> },
    { title: t('first.sim'), content: <Command line={commands.sim(product, door, location.origin)} /> },
    { title: t('first.agent'), content: add },
  ]
  return (
    <Card title={t('first.title')}>
      <Typography.Paragraph type="secondary">{t('first.hint')}</Typography.Paragraph>
      {steps ? <Steps orientation="vertical" size="small" items={steps.map((s) => ({ ...s, status: 'process' }))} />
        : error ? <Failure error={error} retry={refetch} /> : <Skeleton active />}
    </Card>
  )
}
