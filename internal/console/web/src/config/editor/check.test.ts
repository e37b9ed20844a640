import { expect, test } from 'vitest'
import { check } from './check'
import { pretty } from './pretty'

const faults = (text: string) => check(text).map((f) => `${f.line}:${f.column} ${f.key}`)

test.each([
  ['an object', '{"a": [1, -2.5e3, "x", true, null]}'],
  ['an array', '[]\n'],
])('accepts %s', (_, text) => expect(faults(text)).toEqual([]))

test.each([
  ['nothing', ' \n', '1:1 fault.empty'],
  ['a bare value', '"x"', '1:1 fault.kind'],
  ['a comment', '{\n  // no\n  "a": 1}', '2:3 fault.comment'],
  ['a comma at the end', '{"a": 1,\n}', '2:1 fault.value'],
  ['a name twice', '{"a": 1,\n "a": 2}', '2:2 fault.twice'],
  ['a missing comma', '{"a": 1\n "b": 2}', '2:2 fault.comma'],
  ['more text', '{} 1', '1:4 fault.end'],
  ['text that is no JSON', '{} x', '1:4 fault.symbol'],
  ['an open string', '{"a": "x', '1:7 fault.string'],
  ['too many levels', '['.repeat(65) + ']'.repeat(65), '1:65 fault.depth'],
])('refuses %s where it is', (_, text, want) => expect(faults(text)).toContain(want))

test('the same name in two objects is no fault', () => expect(faults('{"a": {"x": 1}, "b": {"x": 2}}')).toEqual([]))

test('formatting keeps numbers as they were written', () =>
  expect(pretty('{"a":1.0,"b":12345678901234567890}')).toBe('{\n  "a": 1.0,\n  "b": 12345678901234567890\n}'))
