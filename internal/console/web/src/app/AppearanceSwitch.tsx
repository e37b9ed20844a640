import { Button, Tooltip } from 'antd'
import { useWords } from '../i18n/language'
import { DarkIcon, LightIcon } from '../shared/icons'
import { usePreferences } from './preferences'

export function AppearanceSwitch() {
  const { t } = useWords()
  const { appearance, setAppearance } = usePreferences()
  const dark = appearance === 'dark'
  const label = t(dark ? 'app.light' : 'app.dark')
  return (
    <Tooltip title={label}>
      <Button type="text" aria-label={label} icon={dark ? <LightIcon /> : <DarkIcon />} onClick={() => setAppearance(dark ? 'light' : 'dark')} />
    </Tooltip>
  )
}
