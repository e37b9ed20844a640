import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Config } from '../api/api'
import { queries } from '../app/queries'

/** A draft is a text that was made from a version: 0 if nothing was saved yet. */
type Draft = { base: number; original: string; text: string }

/**
 * useDraft keeps the text that is being written. While nothing was changed it
 * follows the current version; a text with changes is never replaced.
 */
export function useDraft(product: string, config: Config | undefined) {
  const head = config?.current?.number
  const saved = useQuery({ ...queries.version(product, head ?? 0), enabled: head !== undefined })
  const [draft, setDraft] = useState<Draft>()
  const dirty = draft !== undefined && draft.text !== draft.original

  const content = head === undefined ? '' : saved.data?.number === head ? (saved.data.content ?? '') : undefined
  const news = draft === undefined || (head ?? 0) > draft.base
  if (config && content !== undefined && news && !dirty) {
    setDraft({ base: head ?? 0, original: content, text: content })
  }

  return {
    draft,
    dirty,
    error: saved.error,
    retry: saved.refetch,
    /** behind is the version that somebody saved while this text was being written. */
    behind: dirty && config && (head ?? 0) > draft.base ? config.current : null,
    write: (text: string) => setDraft((d) => d && { ...d, text }),
    /** saved notes that the text is a version now. */
    saved: (base: number, text: string) => setDraft({ base, original: text, text }),
    discard: () => setDraft((d) => d && { ...d, text: d.original }),
  }
}
