import { Tag } from 'antd'
import type { PushState } from '../api/api'
import { useWords } from '../i18n/language'
import { DoneIcon, ReplacedIcon, RunningIcon, StopIcon } from '../shared/icons'

const looks = {
  running: { color: 'processing', icon: <RunningIcon spin /> },
  completed: { color: 'success', icon: <DoneIcon /> },
  stopped: { color: 'warning', icon: <StopIcon /> },
  superseded: { color: 'default', icon: <ReplacedIcon /> },
} satisfies Record<PushState, object>

export function PushStateTag({ state }: { state: PushState }) {
  const { t } = useWords()
  return <Tag {...looks[state]}>{t(`push.state.${state}`)}</Tag>
}
