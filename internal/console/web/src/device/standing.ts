import type { Config, Device } from '../api/api'
import { useWords, type Translate } from '../i18n/language'

type Standing = { fine: boolean; text: string }

/** useStanding says in one sentence why a device is not on the version that was pushed. */
export function useStanding(device: Device | undefined, config: Config | undefined): Standing | undefined {
  const { t } = useWords()
  return device && config && standing(device, config, t)
}

export function standing(d: Device, c: Config, t: Translate): Standing {
  const push = c.lastPush
  if (!push) return not(t('standing.noPush'))
  const n = push.version
  const head = c.current?.number ?? 0
  if (d.configVersion > n) return { fine: true, text: t('standing.ahead', { n: d.configVersion, pushed: n }) }
  if (d.configVersion === n || (d.push === push.no && d.state === 'applied')) {
    return { fine: true, text: head > n ? t('standing.behind', { n, head }) : t('standing.applied', { n }) }
  }
  if (d.disabled) return not(t('standing.disabled'))
  if (!c.enabled) return not(t('standing.off'))
  if (d.state === 'failed') return not(t('standing.failed', { n, reason: `${d.code || ''} ${d.detail}`.trim() || '–' }))
  if (d.state === 'fetched') return not(t('standing.fetched', { n }))
  if (push.state === 'stopped') return not(d.state === 'pending' ? t('standing.stopped', { no: push.no }) : t('standing.stoppedTold', { n, no: push.no }))
  if (!d.online) return not(d.state === 'pending' ? offline(d, n, t) : t('standing.gone', { n }))
  return not(t(d.state === 'pending' ? 'standing.pending' : 'standing.told', { n }))
}

/** offline says what a device that was not told waits for. */
function offline(d: Device, n: number, t: Translate): string {
  if (d.gateway) return t('standing.offlineBehind', { n, gateway: d.gateway.deviceName })
  return t(d.activated === false ? 'standing.inactive' : 'standing.offline', { n })
}

const not = (text: string): Standing => ({ fine: false, text })
