/** networkOf is a network as the server takes it, such as 192.0.2.0/24, of what somebody wrote: an address alone is a network of one. Undefined: it is neither. */
export function networkOf(text: string): string | undefined {
  const [address = '', bits, ...rest] = text.trim().split('/')
  const most = isIPv4(address) ? 32 : isIPv6(address) ? 128 : 0
  if (most === 0 || rest.length > 0) return undefined
  if (bits === undefined) return `${address}/${most}`
  return /^(0|[1-9]\d{0,2})$/.test(bits) && Number(bits) <= most ? `${address}/${bits}` : undefined
}

function isIPv4(text: string): boolean {
  const parts = text.split('.')
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255)
}

// A browser knows best what an IPv6 address is.
function isIPv6(text: string): boolean {
  return text.includes(':') && URL.canParse(`http://[${text}]`)
}
