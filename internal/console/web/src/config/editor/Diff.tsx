import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { MergeView } from '@codemirror/merge'
import { EditorState } from '@codemirror/state'
import { EditorView, keymap } from '@codemirror/view'
import { theme } from 'antd'
import { useEffect, useRef } from 'react'
import { usePreferences } from '../../app/preferences'
import { useWords } from '../../i18n/language'
import { reading } from './setup'

type Props = {
  before: string
  after: string
  labels: [before: string, after: string]
  onChange?: (after: string) => void // with: the right side may be changed, and take over what the left has
}

/** Diff shows two configurations side by side, and fills what it is put in. */
export default function Diff({ before, after, labels, onChange }: Props) {
  const { token } = theme.useToken()
  const { t } = useWords()
  const dark = usePreferences().appearance === 'dark'
  const host = useRef<HTMLDivElement>(null)
  const written = useRef(after)
  const change = useRef(onChange)
  useEffect(() => { change.current = onChange })
  const editable = onChange !== undefined
  const [left, right] = labels
  // Who types here tells the caller, and the text comes back: that is no reason to begin anew.
  const shown = editable ? undefined : after

  useEffect(() => {
    const common = reading({ token, dark, t })
    const named = (label: string) => EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' })
    const listen = EditorView.updateListener.of((u) => {
      if (!u.docChanged) return
      written.current = u.state.doc.toString()
      change.current?.(written.current)
    })
    const merge = new MergeView({
      parent: host.current!,
      a: { doc: before, extensions: [common, named(left), EditorState.readOnly.of(true)] },
      b: {
        doc: shown ?? written.current,
        extensions: [common, named(right), editable ? [history(), keymap.of([...defaultKeymap, ...historyKeymap]), listen] : EditorState.readOnly.of(true)],
      },
      collapseUnchanged: { margin: 3, minSize: 8 },
      revertControls: editable ? 'a-to-b' : undefined,
      gutter: true,
    })
    return () => merge.destroy()
  }, [before, shown, editable, left, right, token, dark, t])

  const head = { flex: 1, padding: '6px 12px', color: token.colorTextSecondary, minWidth: 0 }
  return (
    <div style={{ height: '100%', display: 'flex', flexDirection: 'column', border: `1px solid ${token.colorBorder}`, borderRadius: token.borderRadius, overflow: 'hidden' }}>
      <div style={{ display: 'flex', background: token.colorFillQuaternary, borderBlockEnd: `1px solid ${token.colorBorder}` }}>
        <div style={head}>{left}</div>
        <div style={head}>{right}</div>
      </div>
      <div ref={host} style={{ flex: 1, minHeight: 0, overflow: 'auto' }} />
    </div>
  )
}
