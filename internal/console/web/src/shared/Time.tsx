import { useWords } from '../i18n/language'

export function Time({ at }: { at: string | null | undefined }) {
  const { format } = useWords()
  if (!at) return <>–</>
  return <time dateTime={at} style={{ whiteSpace: 'nowrap', fontVariantNumeric: 'tabular-nums' }}>{format.time(at)}</time>
}
