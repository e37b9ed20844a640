import { applyEdits, format } from 'jsonc-parser'

/** pretty indents a configuration. It moves white space only: numbers stay as they were written. */
export function pretty(text: string): string {
  return applyEdits(text, format(text, undefined, { tabSize: 2, insertSpaces: true, eol: '\n' }))
}
