import { App } from 'antd'
import { Cancelled } from '../api/http'
import { useWords } from '../i18n/language'
import { headline } from './Failure'
import { reason } from './reason'

/** useFailure gives what reports the refusal of a change that has no dialog of its own. */
export function useFailure(): (error: Error) => void {
  const { t } = useWords()
  const { notification } = App.useApp()
  return (error) => {
    if (error instanceof Cancelled) return
    notification.error({ title: headline(error, t), description: reason(error, t) })
  }
}
