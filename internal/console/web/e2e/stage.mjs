// Stage is what a scenario plays on: servers, and pages in a browser.
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { choose, guard, hasten } from './browser.mjs'
import { patience, serve } from './server.mjs'

export class Stage {
  problems = [] // what no page may do, and did
  #contexts = []
  #pages = []
  #servers = []

  constructor(name, browser, shared) {
    this.name = name
    this.browser = browser
    /** shared is the server for who needs no server of its own. */
    this.shared = shared
  }

  /** serve runs a server for this scenario alone. */
  async serve(...flags) {
    const server = await serve(flags)
    this.#servers.push(server)
    return server
  }

  /** open shows a path of the console to an account that is signed in; null: to nobody. */
  async open(server, path, { account = 'admin', language = 'en', appearance = 'light', ...options } = {}) {
    const context = await this.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options })
    this.#contexts.push(context)
    await choose(context, language, appearance)
    if (account) await context.addCookies([await server.cookie(account)])
    return await this.tab(server, path, context)
  }

  /** tab shows a path in one more tab of a context. */
  async tab(server, path, context) {
    const page = await context.newPage()
    page.setDefaultTimeout(patience / 2)
    guard(page, server.url, this.problems)
    this.#pages.push(page)
    await hasten(page)
    await page.goto(server.url + path)
    return page
  }

  /** check fails if a page did what none may do. */
  check() {
    assert.deepEqual([...new Set(this.problems)], [], 'pages must not throw, break their policy or ask another origin')
  }

  /** picture keeps how the pages look, and says where. */
  async picture() {
    const folder = join(tmpdir(), 'cota-console-failures')
    await mkdir(folder, { recursive: true })
    const taken = this.#pages.filter((page) => !page.isClosed()).map(async (page, i) => {
      const path = join(folder, `${this.name}-${i + 1}.png`)
      await page.screenshot({ path, timeout: 10_000 })
      return `screenshot of ${page.url()}: ${path}`
    })
    return (await Promise.allSettled(taken)).map((t) => t.value ?? `no screenshot: ${t.reason.message}`)
  }

  /** log is what the servers of this scenario wrote. */
  get log() {
    return this.#servers.flatMap((server) => server.log.slice(-30))
  }

  async end() {
    await Promise.all(this.#contexts.map((context) => context.close()))
    await Promise.all(this.#servers.map((server) => server.end()))
  }
}
