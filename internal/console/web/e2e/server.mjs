// A real `cota serve`, and crowds of simulated devices for it.
import { execFile, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { Gateway } from './gateway.mjs'

/** command is the binary under test. */
export const command = process.env.COTA_BIN ?? resolve(import.meta.dirname, '../../../../bin/cota')

/** password is that of every account. */
export const password = 'a long password for tests'

/** patience bounds what is waited for, in milliseconds; it is long because machines are slow. */
export const patience = 60_000

/** serve runs a server on new data, with more flags of `cota serve`. */
export async function serve(flags = []) {
  const server = new Server(await mkdtemp(join(tmpdir(), 'cota-console-')), flags)
  await server.start()
  const made = await promisify(execFile)(command, ['token', 'add', '--local', '--data', server.data, 'e2e'], { env: environment() })
  server.token = made.stdout.trim()
  return server
}

/** environment is this one without what would change the command's flags. */
function environment(more = {}) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('COTA_'))
  return { ...Object.fromEntries(own), ...more }
}

class Server {
  doors = { http: '127.0.0.1:0', mqtt: '127.0.0.1:0', files: '127.0.0.1:0' } // the same after a restart
  log = []
  cookies = new Map() // of sessions, by account
  crowds = []

  constructor(data, flags) {
    this.data = data
    this.flags = flags
  }

  get url() {
    return `http://${this.doors.http}`
  }

  /** start runs the process and waits until it serves. */
  async start() {
    const doors = Object.entries(this.doors).flatMap(([name, address]) => [`--${name}`, address])
    this.child = spawn(command, ['serve', '--data', this.data, ...doors, '--push-rate', '0', '--verification', 'off', '--log', 'warn', ...this.flags],
      { env: environment({ COTA_ADMIN_PASSWORD: password }), stdio: ['ignore', 'pipe', 'pipe'] })
    createInterface({ input: this.child.stderr }).on('line', (line) => this.log.push(line))
    for await (const line of createInterface({ input: this.child.stdout })) {
      const [, door, address] = /^(management|devices|files) +[a-z]+:\/\/(\S+)/.exec(line) ?? []
      if (door) this.doors[{ management: 'http', devices: 'mqtt', files: 'files' }[door]] = address.replace('localhost', '127.0.0.1')
      if (door === 'files') return this.child.stdout.resume()
    }
    throw new Error(`cota serve ended before it served:\n${this.log.join('\n')}`)
  }

  /** stop ends the process as an operator would, and sees that it ends well. */
  async stop() {
    await ended(this.child, 'SIGTERM')
    if (this.child.exitCode !== 0) throw new Error(`cota serve ended with ${this.child.exitCode ?? this.child.signalCode}:\n${this.log.join('\n')}`)
  }

  /** end stops the server and its crowds, and removes its data. */
  async end() {
    await Promise.all(this.crowds.map((crowd) => crowd.leave()))
    await this.stop()
    await rm(this.data, { recursive: true, force: true })
  }

  /** codes are the verification codes that were written to the log. */
  get codes() {
    return this.log.map((line) => /msg="verification code".* code=(\d{6})/.exec(line)?.[1]).filter(Boolean)
  }

  /** code waits for the n-th verification code. */
  async code(n) {
    await eventually(`verification code ${n} is in the log`, () => this.codes.length >= n)
    return this.codes[n - 1]
  }

  /** expire makes the code of a challenge older than it may get: console_test.go does so, in the server's data. */
  async expire(challenge) {
    if (!process.env.COTA_TEST_EXPIRE) throw new Error('a code expires only under go test ./e2e -run TestConsole/verification')
    const response = await fetch(process.env.COTA_TEST_EXPIRE, { method: 'POST', body: JSON.stringify({ data: this.data, challenge }) })
    if (!response.ok) throw new Error(await response.text())
  }

  /** request asks the API as a program does, by a token of the administrator. */
  async request(method, path, body, headers = { Authorization: `Bearer ${this.token}` }) {
    return await fetch(`${this.url}/api/v1${path}`, {
      method, headers: { ...headers, 'Content-Type': 'application/json' }, body: body && JSON.stringify(body),
    })
  }

  /** ask is request for what must not be refused; it gives the answer. */
  async ask(method, path, body) {
    const response = await this.request(method, path, body)
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return response.status === 204 ? undefined : await response.json()
  }

  /** cookie is that of a session of an account, as the browser's context takes it. */
  async cookie(account) {
    if (!this.cookies.has(account)) {
      const response = await this.request('POST', '/session', { username: account, password }, {})
      const [name, value] = response.headers.get('set-cookie').split(';')[0].split('=')
      this.cookies.set(account, { name, value, url: this.url, httpOnly: true, sameSite: 'Lax' })
    }
    return this.cookies.get(account)
  }

  /** product adds one that is switched on and may be pushed to at any time. */
  async product(name) {
    const { productKey } = await this.ask('POST', '/products', { name })
    await this.ask('PATCH', `/products/${productKey}/config`, { enabled: true, policy: { cooldownSeconds: 0 } })
    return productKey
  }

  async save(product, content, note = '') {
    return await this.ask('POST', `/products/${product}/config/versions`, { content, note })
  }

  async lastPush(product) {
    return (await this.ask('GET', `/products/${product}/config`)).lastPush
  }

  /** device adds one, and gives what it signs in with. */
  async device(product, deviceName) {
    return (await this.ask('POST', `/products/${product}/devices`, { deviceName })).devices[0]
  }

  /** gateway connects a device that others may be behind. */
  async gateway(product, device) {
    const gateway = new Gateway(this.doors.mqtt, product, device)
    await gateway.open()
    this.crowds.push(gateway)
    return gateway
  }

  /** crowd connects simulated devices to a product; it is there when all are connected. */
  async crowd(product, n, ...flags) {
    const child = spawn(command, ['sim', '-n', String(n), '-p', product, '--server', this.doors.mqtt, '--url', this.url,
      '--credentials', join(this.data, `${product}.crowd`), ...flags],
    { env: environment({ COTA_TOKEN: this.token }), stdio: ['ignore', 'pipe', 'pipe'] })
    const said = []
    createInterface({ input: child.stderr }).on('line', (line) => said.push(line))
    const crowd = { leave: () => ended(child, 'SIGINT'), pause: () => child.kill('SIGSTOP'), resume: () => child.kill('SIGCONT') }
    this.crowds.push(crowd)
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith(`${n} of ${n} connected`)) {
        child.stdout.resume()
        return crowd
      }
      said.push(line)
    }
    throw new Error(`cota sim ended before ${n} devices were connected:\n${said.join('\n')}`)
  }
}

async function ended(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise((done) => child.once('exit', done))
  child.kill(signal)
  await gone
}

/** eventually looks until check returns true: what it waits for happens in another process. */
export async function eventually(what, check) {
  for (const end = Date.now() + patience; Date.now() < end;) {
    if (await check()) return
    await new Promise((done) => setTimeout(done, 50))
  }
  throw new Error(`waited ${patience / 1000} s until ${what}`)
}
