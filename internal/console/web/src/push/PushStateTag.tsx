import { CheckCircleOutlined, StopOutlined, SwapOutlined, SyncOutlined } from '@ant-design/icons'
import { Tag } from 'antd'
import type { PushState } from '../api/api'
import { useWords } from '../i18n/language'

const looks = {
  running: { color: 'processing', icon: <SyncOutlined spin /> },
  completed: { color: 'success', icon: <CheckCircleOutlined /> },
  stopped: { color: 'warning', icon: <StopOutlined /> },
  superseded: { color: 'default', icon: <SwapOutlined /> },
} satisfies Record<PushState, object>

export function PushStateTag({ state }: { state: PushState }) {
  const { t } = useWords()
  return <Tag {...looks[state]}>{t(`push.state.${state}`)}</Tag>
}
