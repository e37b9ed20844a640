// Each browser says that it is those before it, too: the first that fits is the one.
const browsers = [['Edge', /\bEdgA?\//], ['Opera', /\bOPR\//], ['Samsung Internet', /\bSamsungBrowser\//], ['Firefox', /\b(Firefox|FxiOS)\//],
  ['Chrome', /\b(Chrome|CriOS)\//], ['Safari', /\bSafari\//], ['curl', /^curl\//]] as const
const systems = [['Android', /\bAndroid\b/], ['iOS', /\b(iPhone|iPad)\b/], ['Windows', /\bWindows\b/], ['macOS', /\bMacintosh\b/], ['Linux', /\bLinux\b/]] as const

/** browserName is what people call a browser, by what it says it is; as it says if it is none of those that many have. */
export function browserName(agent: string): string {
  const names = [browsers, systems].map((all) => all.find(([, pattern]) => pattern.test(agent))?.[0])
  return names.filter(Boolean).join(', ') || agent
}
