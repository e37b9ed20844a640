import { Alert, Button, Card, Col, Flex, Row, Skeleton, Statistic, theme, Typography } from 'antd'
import { lazy, Suspense, useState, type ReactNode } from 'react'
import { rungs, type Milestone, type Push, type Rung } from '../api/api'
import { useWords } from '../i18n/language'
import { Failure } from '../shared/Failure'
import { Time } from '../shared/Time'
import { useTick } from '../shared/useTick'
import { useRungColours } from './ladder'
import { LadderBar } from './LadderBar'
import { PushDevices } from './PushDevices'
import { PushStateTag } from './PushStateTag'
import { drawn, rate, reached, timeTo, type Sample } from './samples'
import { StopButton } from './StopButton'
import { useLivePush } from './useLivePush'

const PushChart = lazy(() => import('./PushChart'))

/** PushCard shows a push in place, and moves with it while it runs. */
export function PushCard({ no, title }: { no: number; title: ReactNode }) {
  const { t } = useWords()
  const { push, samples, progress, connected, error, retry } = useLivePush(no)
  const [rung, setRung] = useState<Rung>()
  if (!push) return <Card title={title}>{error ? <Failure error={error} retry={retry} /> : <Skeleton active />}</Card>
  const line = drawn(push, progress, samples)
  const shown = rung ?? (push.failed > 0 ? 'failed' : undefined)
  return (
    <Card title={<Flex gap="small" align="center">{title}<PushStateTag state={push.state} /></Flex>}
      extra={push.state === 'running' && <StopButton push={push} />}>
      <Flex vertical gap="middle">
        {!connected && <Alert type="warning" showIcon title={t('push.reconnecting')} />}
        {push.reason && <Alert type="info" showIcon title={t('push.ended', { reason: push.reason })} />}
        <Typography.Text type="secondary">
          {t('push.started', { version: push.version, who: push.startedBy })} <Time at={push.startedAt} />
        </Typography.Text>
        <LadderBar push={push} height={18} />
        <Counts push={push} chosen={shown} onChoose={(r) => setRung(r === rung ? undefined : r)} />
        <Pace push={push} samples={samples} progress={progress} />
        {line.length > 2 && (
          <Suspense fallback={<Skeleton.Node active style={{ width: '100%', height: 180 }} />}>
            <PushChart samples={line} total={push.total} />
          </Suspense>
        )}
        {shown && <PushDevices push={push} rung={shown} />}
      </Flex>
    </Card>
  )
}

function Counts({ push, chosen, onChoose }: { push: Push; chosen?: Rung; onChoose: (r: Rung) => void }) {
  const { t, format } = useWords()
  const { token } = theme.useToken()
  const colours = useRungColours()
  return (
    <Row gutter={[12, 12]}>
      {rungs.map((rung) => (
        <Col key={rung} xs={8} xl={4}>
          <Button block aria-pressed={chosen === rung} data-rung={rung} data-count={push[rung]} onClick={() => onChoose(rung)}
            style={{ height: 'auto', padding: '8px 12px', justifyContent: 'start', textAlign: 'start', borderBlockStart: `3px solid ${colours[rung]}`, ...(chosen === rung && { outline: `1px solid ${token.colorPrimary}` }) }}>
            <Statistic title={t(`rung.${rung}`)} value={format.number(push[rung])} suffix={<Typography.Text type="secondary">{format.percent(push[rung], push.total)}</Typography.Text>} />
          </Button>
        </Col>
      ))}
    </Row>
  )
}

/** Pace tells how long it took and takes. */
function Pace({ push, samples, progress }: { push: Push; samples: Sample[]; progress: Milestone[] }) {
  const { t, format } = useWords()
  const running = push.state === 'running'
  const tick = useTick(running ? 500 : null)
  const elapsed = (push.endedAt ? Date.parse(push.endedAt) : tick) - Date.parse(push.startedAt)
  const perSecond = running ? rate(samples, elapsed) : (push.applied * 1000) / Math.max(elapsed, 1)
  const all = push.state === 'completed' && push.applied === push.total ? elapsed : undefined
  const time = (percent: number) => {
    const need = Math.ceil((push.total * percent) / 100)
    const known = timeTo(percent, progress, push.startedAt) ?? (need > 0 ? reached(samples, need) : undefined) ?? (percent === 100 ? all : undefined)
    return known === undefined ? '–' : format.duration(known)
  }
  const facts: [string, string][] = [
    [t('push.total'), format.number(push.total)],
    [t('push.elapsed'), format.duration(elapsed)],
    [t(running ? 'push.rate' : 'push.average'), t('push.perSecond', { n: format.number(Math.round(perSecond * 10) / 10) })],
    [t('push.to', { share: '50 %' }), time(50)],
    [t('push.to', { share: '95 %' }), time(95)],
    [t('push.to', { share: '100 %' }), time(100)],
  ]
  return (
    <Row gutter={[12, 12]}>
      {facts.map(([label, value]) => (
        <Col key={label} xs={8} xl={4}>
          <Typography.Text type="secondary">{label}</Typography.Text>
          <div><Typography.Text strong style={{ fontVariantNumeric: 'tabular-nums' }}>{value}</Typography.Text></div>
        </Col>
      ))}
    </Row>
  )
}
