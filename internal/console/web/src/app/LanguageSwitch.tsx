import { TranslationOutlined } from '@ant-design/icons'
import { Button, Dropdown } from 'antd'
import { useWords } from '../i18n/language'
import { usePreferences, type Language } from './preferences'

const names: Record<Language, string> = { en: 'English', zh: '简体中文' }

export function LanguageSwitch() {
  const { t } = useWords()
  const { language, setLanguage } = usePreferences()
  const items = Object.entries(names).map(([key, label]) => ({ key, label }))
  return (
    <Dropdown trigger={['click']} menu={{ items, selectable: true, selectedKeys: [language], onClick: ({ key }) => setLanguage(key as Language) }}>
      <Button type="text" icon={<TranslationOutlined />} aria-label={`${t('app.language')}: ${names[language]}`}>{names[language]}</Button>
    </Dropdown>
  )
}
