import type { Config, Device } from '../api/api'
import { useWords, type Translate } from '../i18n/language'

/** useStanding says in one sentence why a device is not on the version that was pushed. */
export function useStanding(device: Device | undefined, config: Config | undefined): { fine: boolean; text: string } | undefined {
  const { t } = useWords()
  if (!device || !config) return undefined
  return standing(device, config, t)
}

function standing(d: Device, c: Config, t: Translate): { fine: boolean; text: string } {
  const push = c.lastPush
  if (!push) return { fine: false, text: t('standing.noPush') }
  const n = push.version
  if (d.configVersion === n || (d.push === push.no && d.state === 'applied')) return { fine: true, text: t('standing.applied', { n }) }
  if (d.disabled) return { fine: false, text: t('standing.disabled') }
  if (!c.enabled) return { fine: false, text: t('standing.off') }
  if (d.state === 'failed') return { fine: false, text: t('standing.failed', { n, reason: `${d.code || ''} ${d.detail}`.trim() || '–' }) }
  if (push.state === 'stopped' && d.state === 'pending') return { fine: false, text: t('standing.stopped', { no: push.no }) }
  if (d.state === 'fetched') return { fine: false, text: t('standing.fetched', { n }) }
  if (!d.online) return { fine: false, text: t('standing.offline', { n }) }
  if (d.state === 'pending') return { fine: false, text: t('standing.pending', { n }) }
  return { fine: false, text: t('standing.told', { n }) }
}
