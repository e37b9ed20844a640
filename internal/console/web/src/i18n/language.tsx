import { createContext, use, useMemo, type ReactNode } from 'react'
import { usePreferences, type Language } from '../app/preferences'
import { en } from './en'
import { fill, type Key, type Params } from './message'
import { zh } from './zh'

const messages: Record<Language, Record<Key, string>> = { en, zh }

export type Translate = <K extends Key>(key: K, ...values: Params<K>) => string

type Words = { t: Translate; format: Format }

/** Format writes values as the language does. */
export type Format = {
  number(n: number): string
  percent(part: number, whole: number): string
  bytes(n: number): string
  time(iso: string): string
  duration(ms: number): string
}

const Context = createContext<Words | null>(null)

/** useWords gives the texts and formats of the chosen language. */
export function useWords(): Words {
  const words = use(Context)
  if (!words) throw new Error('useWords outside of LanguageProvider')
  return words
}

export function LanguageProvider({ children }: { children: ReactNode }) {
  const { language } = usePreferences()
  const words = useMemo(() => wordsOf(language), [language])
  return <Context value={words}>{children}</Context>
}

function wordsOf(language: Language): Words {
  const locale = language === 'zh' ? 'zh-CN' : 'en-GB'
  const number = new Intl.NumberFormat(locale)
  const time = new Intl.DateTimeFormat(locale, {
    year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false,
  })
  const t: Translate = (key, ...values) => fill(messages[language][key], values[0] ?? {}, number)
  return { t, format: { number: number.format, percent, bytes: (n) => bytes(n, number), time: (iso) => clock(time, iso), duration: (ms) => duration(ms, t) } }
}

/** clock writes a time as 2026-11-22 21:36:18, in every language. */
function clock(format: Intl.DateTimeFormat, iso: string): string {
  const parts = Object.fromEntries(format.formatToParts(new Date(iso)).map((p) => [p.type, p.value]))
  return `${parts.year}-${parts.month}-${parts.day} ${parts.hour}:${parts.minute}:${parts.second}`
}

/** percent rounds down, so that 100 % is all. */
function percent(part: number, whole: number): string {
  if (whole <= 0) return '0 %'
  const p = Math.floor((part / whole) * 1000) / 10
  return `${p === Math.floor(p) ? p : p.toFixed(1)} %`
}

function bytes(n: number, number: Intl.NumberFormat): string {
  if (n < 1024) return `${number.format(n)} B`
  const kib = n / 1024
  return kib < 1024 ? `${+kib.toFixed(1)} KiB` : `${+(kib / 1024).toFixed(1)} MiB`
}

/** duration writes the two greatest units, and tenths of seconds below a minute. */
function duration(ms: number, t: Translate): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 60) return t('time.seconds', { s: seconds < 10 ? seconds.toFixed(1) : String(Math.floor(seconds)) })
  const whole = Math.floor(seconds)
  const [d, h, m, s] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60, whole % 60]
  if (d > 0) return t('time.days', { d, h })
  return h > 0 ? t('time.hours', { h, m }) : t('time.minutes', { m, s })
}
