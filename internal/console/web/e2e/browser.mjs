// A browser whose pages note what must never happen.
import { chromium } from 'playwright-core'

/** browserPath is Debian's chromium, unless COTA_TEST_BROWSER names another. */
export const browserPath = process.env.COTA_TEST_BROWSER || '/usr/bin/chromium'

export async function launch() {
  return await chromium.launch({
    executablePath: browserPath,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })
}

/** choose has pages begin with a language and a theme, whatever the machine prefers. */
export async function choose(context, language, appearance) {
  await context.addInitScript(([l, a]) => {
    localStorage.setItem('cota.language', localStorage.getItem('cota.language') ?? l)
    localStorage.setItem('cota.appearance', localStorage.getItem('cota.appearance') ?? a)
  }, [language, appearance])
}

/** guard notes what no page of the console may do: throw, break its own policy, ask another origin. */
export function guard(page, origin, problems) {
  page.on('pageerror', (error) => problems.push(`uncaught: ${error.stack ?? error}`))
  page.on('console', (m) => {
    if (/Content Security Policy|Warning:|React/.test(m.text())) problems.push(`console: ${m.text()}`)
  })
  page.on('request', (r) => {
    if (!r.url().startsWith(origin + '/') && !/^(data|blob):/.test(r.url())) problems.push(`asked another origin: ${r.url()}`)
  })
}

/** hasten has what moves on a page arrive soon: a scenario is about where. */
export async function hasten(page) {
  const session = await page.context().newCDPSession(page)
  await session.send('Animation.enable')
  await session.send('Animation.setPlaybackRate', { playbackRate: 20 })
}
