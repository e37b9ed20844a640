import type { Credentials } from '../api/api'

/** most is how many devices the server adds at a time. */
export const most = 10_000

/** namesIn reads device names from a CSV or a plain list: the first column, without its title. */
export function namesIn(text: string): string[] {
  const cells = text.replace(/^\uFEFF/, '').split(/\r\n|\r|\n/).map((line) => unquote(line.split(/[,;\t]/, 1)[0]!.trim()))
  const names = cells.filter((cell) => cell !== '')
  if (names[0] && /^device[ _]?name$/i.test(names[0])) names.shift()
  return [...new Set(names)]
}

function unquote(cell: string): string {
  return /^".*"$/.test(cell) ? cell.slice(1, -1).trim() : cell
}

/** csvOf writes what devices sign in with, as a CSV. */
export function csvOf(product: string, all: Credentials[]): string {
  const lines = all.map((c) => [product, c.deviceName, c.deviceSecret].join(','))
  return ['productKey,deviceName,deviceSecret', ...lines, ''].join('\r\n')
}

/** download has the browser keep a text as a file. */
export function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}
