import { printParseErrorCode, visit } from 'jsonc-parser'
import type { Key } from '../../i18n/message'

/** maxDepth is how deep the server lets a configuration nest. */
const maxDepth = 64

/** Fault is what keeps a text from being saved, and where. */
export type Fault = { from: number; to: number; line: number; column: number; key: FaultKey; name?: string }
type FaultKey = Extract<Key, `fault.${string}`>

const strict = { disallowComments: true, allowTrailingComma: false, allowEmptyContent: true }

/** check finds what the server would refuse in a configuration, in the order of the text. */
export function check(text: string): Fault[] {
  if (text.trim() === '') return [{ from: 0, to: 0, line: 1, column: 1, key: 'fault.empty' }]
  const faults: Fault[] = []
  const names: Set<string>[] = []
  let depth = 0
  const add = (key: FaultKey, from: number, length: number, line: number, character: number, name?: string) =>
    faults.push({ from, to: Math.min(from + length, text.length), line: line + 1, column: character + 1, key, name })
  const enter = (from: number, length: number, line: number, character: number) => {
    if (++depth === maxDepth + 1) add('fault.depth', from, length, line, character)
  }
  const value = (_: unknown, from: number, length: number, line: number, character: number) => {
    if (depth === 0) add('fault.kind', from, length, line, character)
  }
  visit(text, {
    onObjectBegin: (from, length, line, character) => {
      enter(from, length, line, character)
      names.push(new Set())
    },
    onObjectEnd: () => { depth--; names.pop() },
    onArrayBegin: (from, length, line, character) => enter(from, length, line, character),
    onArrayEnd: () => { depth-- },
    onObjectProperty: (name, from, length, line, character) => {
      const seen = names.at(-1)
      if (seen?.has(name)) add('fault.twice', from, length, line, character, name)
      seen?.add(name)
    },
    onLiteralValue: value,
    onError: (code, from, length, line, character) => add(faultOf[printParseErrorCode(code)] ?? 'fault.symbol', from, length, line, character),
  }, strict)
  return faults.sort((a, b) => a.from - b.from)
}

const faultOf: Record<string, FaultKey> = {
  InvalidNumberFormat: 'fault.number',
  UnexpectedEndOfNumber: 'fault.number',
  PropertyNameExpected: 'fault.name',
  ValueExpected: 'fault.value',
  ColonExpected: 'fault.colon',
  CommaExpected: 'fault.comma',
  CloseBraceExpected: 'fault.brace',
  CloseBracketExpected: 'fault.bracket',
  EndOfFileExpected: 'fault.end',
  InvalidCommentToken: 'fault.comment',
  UnexpectedEndOfComment: 'fault.comment',
  UnexpectedEndOfString: 'fault.string',
  InvalidUnicode: 'fault.escape',
  InvalidEscapeCharacter: 'fault.escape',
  InvalidCharacter: 'fault.character',
}
