import { useWords } from '../i18n/language'
import { LanguageIcon } from '../shared/icons'
import { MenuButton } from '../shared/MenuButton'
import { usePreferences, type Language } from './preferences'

const names: Record<Language, string> = { en: 'English', zh: '简体中文' }

export function LanguageSwitch() {
  const { t } = useWords()
  const { language, setLanguage } = usePreferences()
  const items = Object.entries(names).map(([key, label]) => ({ key, label }))
  return (
    <MenuButton type="text" icon={<LanguageIcon />} aria-label={`${t('app.language')}: ${names[language]}`}
      menu={{ items, selectable: true, selectedKeys: [language], onClick: ({ key }) => setLanguage(key as Language) }}>{names[language]}</MenuButton>
  )
}
