/** most is how many certificates of a product may be revoked. */
export const most = 10_000

const digits = 42 // 20 octets, with a zero before them (RFC 5280 section 4.1.2.2)

/** serialsIn are the serial numbers in a text, each once, as the server writes them; wrong: what is there and is none. */
export function serialsIn(text: string): { serials: string[]; wrong?: string } {
  const all = text.split(/[\s,;]+/).filter(Boolean)
  const serials = all.map(serialOf)
  const wrong = all.find((_, i) => serials[i] === undefined)
  return { serials: [...new Set(serials.filter((s) => s !== undefined))], wrong }
}

/** serialOf is a serial number as a tool shows it, with or without colons, 0x or the serial= of openssl. */
function serialOf(text: string): string | undefined {
  const hex = text.toLowerCase().replace(/^serial=/, '').replaceAll(':', '').replace(/^0x/, '')
  if (hex.length > digits || !/^[0-9a-f]+$/.test(hex)) return undefined
  return hex.replace(/^0+(?=.)/, '')
}
