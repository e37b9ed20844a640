import { Input } from 'antd'
import { useState } from 'react'
import { useWords } from '../i18n/language'
import { NamedClearIcon, NamedSearchIcon } from './icons'

type Props = { label: string; value: string | undefined; width?: number; onSearch: (text: string | undefined) => void }

/** SearchBox asks for a text to look for: by Enter, or the button beside it. */
export function SearchBox({ label, value, width = 240, onSearch }: Props) {
  const { t } = useWords()
  const [text, setText] = useState(value ?? '')
  const [followed, setFollowed] = useState(value)
  if (value !== followed) {
    setFollowed(value)
    setText(value ?? '')
  }
  return (
    <Input.Search allowClear={{ clearIcon: <NamedClearIcon aria-label={t('do.clear')} /> }} value={text} onChange={(e) => setText(e.target.value)} placeholder={label} aria-label={label} maxLength={128} style={{ width }}
      searchIcon={<NamedSearchIcon aria-label={t('do.search')} />} onSearch={(wanted) => onSearch(wanted.trim() || undefined)} />
  )
}
