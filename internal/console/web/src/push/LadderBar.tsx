import { theme, Tooltip } from 'antd'
import { rungs, type Push } from '../api/api'
import { useWords } from '../i18n/language'
import { useRungColours } from './ladder'

// From the left: what has come to an end, then what is farthest.
const order = ['applied', 'failed', 'fetched', 'received', 'sent', 'pending'] as const

/** LadderBar shows how many devices stand on each rung, as parts of one bar. */
export function LadderBar({ push, height = 12 }: { push: Push; height?: number }) {
  const { t, format } = useWords()
  const { token } = theme.useToken()
  const colours = useRungColours()
  const label = rungs.filter((r) => push[r] > 0).map((r) => `${t(`rung.${r}`)} ${format.number(push[r])}`).join(' · ')
  return (
    <Tooltip title={label}>
      <div role="img" aria-label={label || t('push.nobody')}
        style={{ display: 'flex', height, borderRadius: height / 2, overflow: 'hidden', background: token.colorFillSecondary, minWidth: 60 }}>
        {order.map((rung) => (
          <div key={rung} style={{ flex: `${push[rung]} 0 0`, background: colours[rung], transition: 'flex-grow 200ms linear' }} />
        ))}
      </div>
    </Tooltip>
  )
}
