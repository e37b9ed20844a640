// Starts a real `cota serve` with simulated devices, and a browser to look at it.
// COTA_BIN is the command to test (default: bin/cota of this checkout),
// CHROMIUM the browser (default: Debian's).
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { chromium } from 'playwright-core'

const command = process.env.COTA_BIN ?? resolve(import.meta.dirname, '../../../../bin/cota')
const browserPath = process.env.CHROMIUM ?? '/usr/bin/chromium'
export const password = 'a long password for tests'

/** prerequisites says what is missing to run, or nothing. */
export function missing() {
  if (!existsSync(command)) return `${command} is not there: run make console build, or set COTA_BIN`
  if (!existsSync(browserPath)) return `${browserPath} is not there: install chromium, or set CHROMIUM`
}

async function freePort() {
  return await new Promise((done, fail) => {
    const probe = createServer().once('error', fail)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address()
      probe.close(() => done(port))
    })
  })
}

/** serve starts a server on new data and waits until it is ready. */
export async function serve(...flags) {
  const dir = await mkdtemp(join(tmpdir(), 'cota-e2e-'))
  const [http, mqtt, files] = [await freePort(), await freePort(), await freePort()]
  const url = `http://127.0.0.1:${http}`
  let child
  const start = async () => {
    child = spawn(command, ['serve', '--data', join(dir, 'data'), '--http', `127.0.0.1:${http}`,
      '--mqtt', `127.0.0.1:${mqtt}`, '--files', `127.0.0.1:${files}`, '--log', 'warn', ...flags],
    { env: { ...process.env, COTA_ADMIN_PASSWORD: password }, stdio: ['ignore', 'ignore', 'inherit'] })
    await until('the server is ready', async () => (await fetch(url + '/readyz').catch(() => undefined))?.ok)
  }
  const stop = async () => {
    if (child.exitCode !== null) return
    const gone = new Promise((done) => child.once('exit', done))
    child.kill('SIGTERM')
    await gone
  }
  await start()
  return {
    url, mqtt: `127.0.0.1:${mqtt}`, dir, start, stop,
    async end() {
      await stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

/** program is a client of the API besides the browser. */
export async function program(url) {
  const ask = async (method, path, body, cookie) => {
    const response = await fetch(url + '/api/v1' + path, {
      method, headers: { 'Content-Type': 'application/json', ...(cookie && { Cookie: cookie }) }, body: body && JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response
  }
  const cookie = (await ask('POST', '/session', { username: 'admin', password })).headers.get('set-cookie').split(';')[0]
  return async (method, path, body) => {
    const response = await ask(method, path, body, cookie)
    return response.status === 204 ? undefined : await response.json()
  }
}

/** crowd connects simulated devices to a product. */
export async function crowd(server, ask, product, n, ...flags) {
  const { token } = await ask('POST', '/tokens', { name: `crowd-${Date.now()}`, role: 'admin' })
  const child = spawn(command, ['sim', '-n', String(n), '-p', product, '--server', server.mqtt, '--url', server.url,
    '--credentials', join(server.dir, `${product}.csv`), ...flags], { env: { ...process.env, COTA_TOKEN: token }, stdio: 'ignore' })
  await until(`${n} devices are online`, async () => (await ask('GET', `/products/${product}`)).online >= n)
  return () => new Promise((done) => {
    child.once('exit', done)
    child.kill('SIGINT')
  })
}

export async function until(what, is, ms = 30_000) {
  for (const end = Date.now() + ms; Date.now() < end;) {
    if (await is()) return
    await new Promise((done) => setTimeout(done, 100))
  }
  throw new Error(`waited ${ms / 1000} s until ${what}`)
}

/** browse opens a browser whose pages fail on what must never happen. */
export async function browse() {
  const browser = await chromium.launch({
    executablePath: browserPath,
    args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  })
  const problems = []
  const open = async (url, options = {}) => {
    const { language = 'en', appearance = 'light', ...rest } = options
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...rest })
    await context.addInitScript(([l, a]) => {
      localStorage.setItem('cota.language', localStorage.getItem('cota.language') ?? l)
      localStorage.setItem('cota.appearance', localStorage.getItem('cota.appearance') ?? a)
    }, [language, appearance])
    const page = await context.newPage()
    page.on('pageerror', (error) => problems.push(`uncaught: ${error.stack ?? error}`))
    page.on('console', (m) => {
      if (/Content Security Policy|Warning:|React/.test(m.text())) problems.push(`console: ${m.text()} ${m.location().url}`)
    })
    page.on('request', (r) => {
      if (!r.url().startsWith(new URL(url).origin) && !/^(data|blob):/.test(r.url())) problems.push(`asked another origin: ${r.url()}`)
    })
    await page.goto(url)
    return page
  }
  return { open, problems, close: () => browser.close() }
}

export async function signIn(page, words = { account: 'Account', password: 'Password', go: 'Sign in' }) {
  await page.getByLabel(words.account).fill('admin')
  await page.getByLabel(words.password, { exact: true }).fill(password)
  await page.getByRole('button', { name: words.go, exact: true }).click()
}
