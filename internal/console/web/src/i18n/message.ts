import type { en } from './en'

// A message names its parameters in braces. {n} is a string or a number;
// {n|device|devices} is a number with the word that goes with it.

export type Key = keyof typeof en

type Names<S> = S extends `${string}{${infer P}}${infer Rest}`
  ? (P extends `${infer N}|${string}` ? N : P) | Names<Rest>
  : never

/** Params are what a message needs: nothing, or a value for each of its names. */
export type Params<K extends Key> = [Names<(typeof en)[K]>] extends [never]
  ? []
  : [values: Record<Names<(typeof en)[K]>, string | number>]

const parameter = /\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g

/** fill puts values into a message. */
export function fill(message: string, values: Record<string, string | number>, number: Intl.NumberFormat): string {
  return message.replace(parameter, (_, name: string, one?: string, many?: string) => {
    const value = values[name] ?? ''
    const text = typeof value === 'number' ? number.format(value) : value
    return one === undefined ? text : `${text} ${value === 1 ? one : many}`
  })
}

/** parameters are the names in a message. */
export function parameters(message: string): string[] {
  return [...new Set([...message.matchAll(parameter)].map((m) => m[1]!))].sort()
}
