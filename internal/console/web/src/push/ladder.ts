import { theme } from 'antd'
import type { Rung } from '../api/api'

/** useRungColours gives the colour of each rung of the delivery ladder. */
export function useRungColours(): Record<Rung, string> {
  const { token } = theme.useToken()
  return {
    pending: token.colorFill,
    sent: token.blue3,
    received: token.blue5,
    fetched: token.purple5,
    applied: token.green6,
    failed: token.red5,
  }
}
