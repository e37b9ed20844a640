import { closeBrackets, closeBracketsKeymap } from '@codemirror/autocomplete'
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { indentOnInput } from '@codemirror/language'
import { lintGutter, lintKeymap, linter } from '@codemirror/lint'
import { openSearchPanel } from '@codemirror/search'
import { Compartment, EditorState, type Extension } from '@codemirror/state'
import { EditorView, keymap } from '@codemirror/view'
import { theme } from 'antd'
import { useEffect, useRef, type Ref, useImperativeHandle } from 'react'
import { usePreferences } from '../../app/preferences'
import { useWords, type Translate } from '../../i18n/language'
import { check } from './check'
import { activeLine, reading, type Look } from './setup'

export type Hand = { search(): void; goTo(offset: number): void }

type Props = {
  text: string
  label: string
  height: string
  onChange?: (text: string) => void // without: read only
  hand?: Ref<Hand>
}

/** Editor shows a configuration, and lets it be changed. */
export default function Editor({ text, label, height, onChange, hand }: Props) {
  const { token } = theme.useToken()
  const { t } = useWords()
  const dark = usePreferences().appearance === 'dark'
  const host = useRef<HTMLDivElement>(null)
  const view = useRef<EditorView>(null)
  const look = useRef(new Compartment())
  const change = useRef(onChange)
  useEffect(() => { change.current = onChange })

  const editable = onChange !== undefined
  const dressed: Look = { token, dark, t }
  useEffect(() => {
    const listen = EditorView.updateListener.of((u) => u.docChanged && change.current?.(u.state.doc.toString()))
    view.current = new EditorView({
      parent: host.current!,
      state: EditorState.create({
        doc: text,
        extensions: [look.current.of(dress(dressed, editable, label)), editable ? writing : EditorState.readOnly.of(true), listen],
      }),
    })
    return () => view.current?.destroy()
    // The view is made once; what changes is given to it below.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [editable])

  useEffect(() => {
    view.current?.dispatch({ effects: look.current.reconfigure(dress(dressed, editable, label)) })
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [token, dark, t, editable, label])

  useEffect(() => {
    const v = view.current
    if (v && v.state.doc.toString() !== text) v.dispatch({ changes: { from: 0, to: v.state.doc.length, insert: text } })
  }, [text])

  useImperativeHandle(hand, () => ({
    search: () => { if (view.current) openSearchPanel(view.current) },
    goTo: (offset) => {
      view.current?.dispatch({ selection: { anchor: Math.min(offset, view.current.state.doc.length) }, scrollIntoView: true })
      view.current?.focus()
    },
  }), [])

  const frame = { height, border: `1px solid ${token.colorBorder}`, borderRadius: token.borderRadius, overflow: 'hidden' }
  return <div ref={host} style={{ ...frame, display: 'grid' }} />
}

const writing: Extension = [
  history(), closeBrackets(), indentOnInput(), activeLine,
  keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
]

function dress(look: Look, editable: boolean, label: string): Extension {
  const frame = EditorView.theme({ '&': { height: '100%', minHeight: '0' }, '.cm-scroller': { overflow: 'auto' } })
  const named = EditorView.contentAttributes.of({ 'aria-label': label, ...(editable ? {} : { tabindex: '0' }) })
  return [reading(look), frame, named, editable ? faults(look.t) : []]
}

function faults(t: Translate): Extension {
  const find = linter((view) => check(view.state.doc.toString()).filter((f) => f.key !== 'fault.empty').map((f) => ({
    from: f.from, to: f.to, severity: 'error' as const, message: f.name === undefined ? t(f.key as 'fault.symbol') : t('fault.twice', { name: f.name }),
  })), { delay: 200 })
  return [find, lintGutter()]
}
