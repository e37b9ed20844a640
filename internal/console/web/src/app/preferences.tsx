import { createContext, use, useEffect, useMemo, useState, type ReactNode } from 'react'

export const languages = ['en', 'zh'] as const
export type Language = (typeof languages)[number]
export type Appearance = 'light' | 'dark'

type Preferences = {
  language: Language
  setLanguage(language: Language): void
  appearance: Appearance
  setAppearance(appearance: Appearance): void
}

const Context = createContext<Preferences | null>(null)

/** usePreferences gives what this browser's user chose: it is remembered here, not on the server. */
export function usePreferences(): Preferences {
  const preferences = use(Context)
  if (!preferences) throw new Error('usePreferences outside of PreferencesProvider')
  return preferences
}

export function PreferencesProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useRemembered<Language>('cota.language', spoken)
  const [appearance, setAppearance] = useRemembered<Appearance>('cota.appearance', preferred)
  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en'
    document.documentElement.style.colorScheme = appearance
  }, [language, appearance])
  const preferences = useMemo(
    () => ({ language, setLanguage, appearance, setAppearance }),
    [language, setLanguage, appearance, setAppearance],
  )
  return <Context value={preferences}>{children}</Context>
}

function spoken(stored: string | null): Language {
  return languages.find((l) => l === stored) ?? (navigator.language.startsWith('zh') ? 'zh' : 'en')
}

function preferred(stored: string | null): Appearance {
  if (stored === 'light' || stored === 'dark') return stored
  return matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light'
}

function useRemembered<T extends string>(key: string, initial: (stored: string | null) => T) {
  const [value, setValue] = useState(() => initial(read(key)))
  const remember = useMemo(
    () => (next: T) => {
      setValue(next)
      try {
        localStorage.setItem(key, next)
      } catch {
        // Storage is full or forbidden: the choice lasts as long as the page.
      }
    },
    [key],
  )
  return [value, remember] as const
}

function read(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}
