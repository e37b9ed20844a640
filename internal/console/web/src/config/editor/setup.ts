import { json } from '@codemirror/lang-json'
import { bracketMatching, foldGutter, foldKeymap, HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search'
import { EditorState, type Extension } from '@codemirror/state'
import { EditorView, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import type { GlobalToken } from 'antd'
import { nonce } from '../../app/nonce'
import type { Translate } from '../../i18n/language'

export type Look = { token: GlobalToken; dark: boolean; t: Translate }

/** reading is what all views of a configuration have in common. */
export function reading(look: Look): Extension {
  return [
    EditorView.cspNonce.of(nonce),
    EditorState.phrases.of(phrases(look.t)),
    lineNumbers(),
    foldGutter(),
    bracketMatching(),
    search({ top: true }),
    highlightSelectionMatches(),
    json(),
    keymap.of([...searchKeymap, ...foldKeymap]),
    EditorView.lineWrapping,
    colours(look),
  ]
}

export const activeLine: Extension = [highlightActiveLine(), highlightActiveLineGutter()]

function colours({ token, dark }: Look): Extension {
  const style = HighlightStyle.define([
    { tag: tags.propertyName, color: token.colorLink },
    { tag: tags.string, color: dark ? token.green7 : token.colorSuccess },
    { tag: [tags.number, tags.bool, tags.null], color: dark ? token.purple8 : token.purple7 },
    { tag: tags.invalid, color: token.colorError },
  ])
  const view = EditorView.theme(
    {
      '&': { color: token.colorText, backgroundColor: token.colorBgContainer, fontSize: `${token.fontSize}px` },
      '&.cm-focused': { outline: 'none' },
      '.cm-scroller': { fontFamily: token.fontFamilyCode, lineHeight: '1.6' },
      '.cm-gutters': { backgroundColor: token.colorFillQuaternary, color: token.colorTextTertiary, border: 'none' },
      '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: token.colorFillQuaternary },
      '.cm-content': { caretColor: token.colorText },
      '.cm-cursor': { borderLeftColor: token.colorText },
      '.cm-panels': { backgroundColor: token.colorBgElevated, color: token.colorText },
      '.cm-tooltip': { backgroundColor: token.colorBgElevated, color: token.colorText, border: `1px solid ${token.colorBorder}` },
    },
    { dark },
  )
  return [view, syntaxHighlighting(style)]
}

function phrases(t: Translate): Record<string, string> {
  return {
    Find: t('editor.find'), Replace: t('editor.replaceWith'), next: t('editor.next'), previous: t('editor.previous'),
    all: t('editor.all'), 'match case': t('editor.case'), regexp: t('editor.regexp'), 'by word': t('editor.word'),
    replace: t('editor.replace'), 'replace all': t('editor.replaceAll'), close: t('do.close'),
    '$ unchanged lines': t('editor.unchanged'), 'Revert this chunk': t('editor.take'),
  }
}
