import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { en } from './en'
import { fill, parameters, type Key } from './message'
import { zh } from './zh'

const keys = Object.keys(en) as Key[]

test('both languages have the same keys', () => expect(Object.keys(zh).sort()).toEqual([...keys].sort()))

test.each(keys)('%s has the same parameters in both languages', (key) => expect(parameters(zh[key])).toEqual(parameters(en[key])))

test('no text is empty', () => expect(keys.filter((key) => !en[key].trim() || !zh[key].trim())).toEqual([]))

test('every text is used', () => {
  const code = sources(join(import.meta.dirname, '..')).join('\n')
  // t('a.b') uses a.b; t(`a.${x}`) uses all that begins with "a.".
  const prefixes = [...code.matchAll(/`([\w.]+\.)\$\{/g)].map((m) => m[1]!)
  const unused = keys.filter((key) => !code.includes(`'${key}'`) && !prefixes.some((p) => key.startsWith(p)))
  expect(unused).toEqual([])
})

test('a number takes its word', () => {
  const number = new Intl.NumberFormat('en-GB')
  expect(fill('{n|device|devices} of {all}', { n: 1, all: 2000 }, number)).toBe('1 device of 2,000')
  expect(fill('{n|device|devices}', { n: 0 }, number)).toBe('0 devices')
})

function sources(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((f) => f.isFile() && /\.tsx?$/.test(f.name) && !/^(en|zh)\.ts$|\.test\.ts$/.test(f.name))
    .map((f) => readFileSync(join(f.parentPath, f.name), 'utf8'))
}
