import { path, query, send, type Challenge, type Method } from './http'

// The shapes of the management API, as /docs describes them, and its calls.

export const roles = ['viewer', 'editor', 'publisher', 'admin'] as const
export type Role = (typeof roles)[number]

export const rungs = ['pending', 'sent', 'received', 'fetched', 'applied', 'failed'] as const
export type Rung = (typeof rungs)[number]

export type Account = { name: string; role: Role; disabled: boolean; phone: string; totp: boolean; createdAt: string }
export type Me = { account: Account; role: Role; token: string; trusted: boolean }
export type Instance = {
  id: string
  name: string
  environment: string
  createdAt: string
  products: number
  devices: number
  online: number
  running: number
}
export type Policy = { cooldownSeconds: number; linkSeconds: number; history: number; maxBytes: number }
export type Product = {
  productKey: string
  instance: string
  name: string
  enabled: boolean
  current: number
  push: number
  devices: number
  online: number
  createdAt: string
  updatedAt: string
  policy: Policy
} & Partial<Registration>
/** Registration is which devices may get a secret by the ProductSecret: those that are listed and, if both are set, any. */
export type Registration = { dynamicRegistration: boolean; withoutPreRegistration: boolean }
/** ListedProduct is a product as lists show it. */
export type ListedProduct = Product & { lastPush: Push | null }
export type Version = {
  number: number
  configId: string
  content?: string
  sha256: string
  size: number
  note: string
  author: string
  createdAt: string
  pushed: boolean
}
export const pushStates = ['running', 'completed', 'stopped', 'superseded'] as const
export type PushState = (typeof pushStates)[number]
export type Push = {
  no: number
  productKey: string
  productName: string
  version: number
  state: PushState
  total: number
  startedBy: string
  startedAt: string
  endedAt: string | null
  reason: string
} & Record<Rung, number>
export type Config = {
  enabled: boolean
  current: Version | null
  lastPush: Push | null
  nextPushAt: string | null
  policy: Policy
}
export type Device = {
  deviceName: string
  productKey: string
  disabled: boolean
  online: boolean
  activated?: boolean // it has signed in since it was given its secret
  connectedAt: string | null
  seenAt: string | null
  push: number
  state: Rung
  code: number
  detail: string
  stateAt: string | null
  configId: string
  configAt: string | null
  configVersion: number
  gateway?: Gateway | null // that it is behind
  createdAt: string
}
/** Gateway is a device with others behind it; connected: it has the one that names it connected now. */
export type Gateway = { productKey: string; deviceName: string; connected: boolean }
/** CA is whom a product trusts to issue certificates to its devices. */
export type CA = { certificates: Certificate[]; pem: string; revoked: number }
export type Certificate = { subject: string; serial: string; fingerprint: string; notBefore: string; notAfter: string }
export type Credentials = { deviceName: string; deviceSecret: string }
export type DeviceEvent = {
  at: string
  kind: string
  push?: number
  code?: number
  detail?: string
  properties?: { name: string; value: string }[]
}
export const scopes = ['push'] as const
export type Scope = (typeof scopes)[number]
export type Token = {
  id: number
  name: string
  account: string
  role: Role
  scopes: Scope[]
  networks: string[] // none: it may be used from anywhere
  createdAt: string
  expiresAt: string | null
}
export const verificationLimits = ['trustSeconds', 'ipv4Bits', 'ipv6Bits', 'codeSeconds', 'tries', 'resendSeconds', 'sendsPerHour'] as const
export type VerificationPolicy = Record<(typeof verificationLimits)[number], number>
export type Verification = {
  enabled: boolean
  policy: VerificationPolicy
  override: '' | 'on' | 'off' // what the server was started with, whatever is set
  sender: Challenge['sender']
}
/** Session is a browser that is signed in. */
export type Session = { id: string; address: string; browser: string; createdAt: string; seenAt: string; expiresAt: string; current: boolean }
export type Server = { version: string; mqttPort: number; filesUrl: string }
/** Milestone is when so many per cent of a push's devices had applied. */
export type Milestone = { percent: number; at: string }
export type Message = { at: string; direction: 'up' | 'down'; topic: string; qos: number; payload: string; truncated: boolean }
export type AuditEntry = {
  id: number
  at: string
  actor: string
  address: string
  action: string
  target: string
  detail: string
}

/** Passed is what passing a challenge brought: trust in this browser, or a phone of one's own. */
export type Passed = { trustedUntil: string | null; phone: string }

/** Page asks for a part of a list: after is the next of the part before. */
export type Page = { after?: string; limit?: number }
/** Slice is a part of a list; without next it is the last. */
export type Slice<T> = { rows: T[]; next?: string }

export type DeviceFilter = { prefix?: string; online?: 'true' | 'false'; state?: Rung }
export type PushFilter = { product?: string; state?: PushState }
export type AuditFilter = { actor?: string; action?: string; product?: string }
export type NewDevices = { deviceName: string } | { deviceNames: string[] } | { count: number; prefix: string }

async function list<T>(from: string, key: string, params: Parameters<typeof query>[0], signal?: AbortSignal): Promise<Slice<T>> {
  const answer = await send<Record<string, unknown>>('GET', from + query(params), { signal })
  return { rows: (answer[key] ?? []) as T[], next: answer.next as string | undefined }
}

const product = (key: string) => path('products', key)
const device = (key: string, name: string) => path('products', key, 'devices', name)

/** tag is the ETag of the version that a text was made from; 0 is none. */
const tag = (base: number) => `"${base}"`

export const api = {
  signIn: (username: string, password: string) =>
    send<{ account: Account }>('POST', '/session', { body: { username, password } }),
  signOut: () => send<void>('DELETE', '/session'),
  me: () => send<Me>('GET', '/me'),
  changePassword: (old: string, fresh: string) => send<void>('PATCH', '/me/password', { body: { old, new: fresh } }),

  sessions: (_: Page, signal?: AbortSignal) => list<Session>('/me/sessions', 'sessions', {}, signal),
  endSession: (id: string) => send<void>('DELETE', path('me', 'sessions', id)),
  endOtherSessions: () => send<void>('DELETE', '/me/sessions'),

  setPhone: (phone: string) => send<{ challenge: Challenge | null }>('PATCH', '/me', { body: { phone } }),
  addTOTP: () => send<{ secret: string; url: string }>('POST', '/me/totp'),
  confirmTOTP: (code: string) => send<void>('POST', '/me/totp/confirm', { body: { code } }),
  removeTOTP: () => send<void>('DELETE', '/me/totp'),
  verify: (id: string, code: string, method: Method) => send<Passed>('POST', path('challenges', id, 'verify'), { body: { code, method } }),
  resend: (id: string) => send<Challenge>('POST', path('challenges', id, 'resend')),

  instances: (page: Page, signal?: AbortSignal) => list<Instance>('/instances', 'instances', page, signal),
  instance: (id: string) => send<Instance>('GET', path('instances', id)),
  addInstance: (body: { id: string; name: string; environment: string }) => send<Instance>('POST', '/instances', { body }),
  setInstance: (id: string, body: { name: string; environment: string }) =>
    send<Instance>('PATCH', path('instances', id), { body }),
  removeInstance: (id: string) => send<void>('DELETE', path('instances', id)),

  products: (page: Page & { instance?: string; q?: string }, signal?: AbortSignal) => list<ListedProduct>('/products', 'products', page, signal),
  product: (key: string) => send<Product>('GET', product(key)),
  addProduct: (body: { name: string; instance: string }) =>
    send<Product & { productSecret: string }>('POST', '/products', { body }),
  renameProduct: (key: string, name: string) => send<Product>('PATCH', product(key), { body: { name } }),
  setRegistration: (key: string, body: Partial<Registration>) => send<Product>('PATCH', product(key), { body }),
  removeProduct: (key: string) => send<void>('DELETE', product(key)),

  ca: (key: string) => send<CA>('GET', product(key) + '/ca'),
  setCA: (key: string, pem: string) => send<CA>('PUT', product(key) + '/ca', { body: { pem } }),
  removeCA: (key: string) => send<void>('DELETE', product(key) + '/ca'),
  revoked: async (key: string, page: Page, signal?: AbortSignal) => {
    const { rows, next } = await list<string>(product(key) + '/ca/revoked', 'serials', page, signal)
    return { rows: rows.map((serial) => ({ serial })), next }
  },
  revoke: (key: string, serials: string[]) => send<CA>('POST', product(key) + '/ca/revoked', { body: { serials } }),
  unrevoke: (key: string, serial: string) => send<void>('DELETE', product(key) + path('ca', 'revoked', serial)),
  revokeByCRL: (key: string, crl: string) => send<CA>('PUT', product(key) + '/ca/revoked', { body: { crl } }),

  devices: (key: string, page: Page & DeviceFilter, signal?: AbortSignal) =>
    list<Device>(product(key) + '/devices', 'devices', page, signal),
  device: (key: string, name: string) => send<Device>('GET', device(key, name)),
  addDevices: (key: string, body: NewDevices) => send<{ devices: Credentials[] }>('POST', product(key) + '/devices', { body }),
  setDevice: (key: string, name: string, body: { disabled?: boolean; resetSecret?: true }) =>
    send<Device & { deviceSecret?: string }>('PATCH', device(key, name), { body }),
  removeDevice: (key: string, name: string) => send<void>('DELETE', device(key, name)),
  subdevices: (key: string, name: string, page: Page, signal?: AbortSignal) =>
    list<Device>(device(key, name) + '/subdevices', 'devices', page, signal),
  detachDevice: (key: string, name: string) => send<void>('DELETE', device(key, name) + '/gateway'),
  events: (key: string, name: string, page: Page, signal?: AbortSignal) =>
    list<DeviceEvent>(device(key, name) + '/events', 'events', page, signal),

  messages: async (key: string, name: string) => (await list<Message>(device(key, name) + '/messages', 'messages', {})).rows,

  config: (key: string) => send<Config>('GET', product(key) + '/config'),
  setConfig: (key: string, body: { enabled?: boolean; policy?: Partial<Policy> }) =>
    send<Config>('PATCH', product(key) + '/config', { body }),
  versions: (key: string, page: Page, signal?: AbortSignal) =>
    list<Version>(product(key) + '/config/versions', 'versions', page, signal),
  version: (key: string, number: number) => send<Version>('GET', product(key) + path('config', 'versions', number)),
  saveVersion: (key: string, base: number, body: { content: string; note: string }) =>
    send<Version>('POST', product(key) + '/config/versions', { body, ifMatch: tag(base) }),

  pushes: (page: Page & PushFilter, signal?: AbortSignal) => list<Push>('/pushes', 'pushes', page, signal),
  pushesOfProduct: (key: string, page: Page & { state?: PushState }, signal?: AbortSignal) =>
    list<Push>(product(key) + '/pushes', 'pushes', page, signal),
  push: (no: number) => send<Push>('GET', path('pushes', no)),
  pushEvents: (no: number) => new EventSource('/api/v1' + path('pushes', no, 'events')),
  pushProgress: async (no: number) => (await list<Milestone>(path('pushes', no, 'progress'), 'progress', {})).rows,
  pushDevices: (no: number, page: Page & { state?: Rung }, signal?: AbortSignal) =>
    list<Device>(path('pushes', no, 'devices'), 'devices', page, signal),
  startPush: (key: string, version: number) => send<Push>('POST', product(key) + '/pushes', { body: { version } }),
  stopPush: (no: number, reason: string) => send<Push>('POST', path('pushes', no, 'stop'), { body: { reason } }),

  accounts: (page: Page, signal?: AbortSignal) => list<Account>('/accounts', 'accounts', page, signal),
  addAccount: (body: { name: string; role: Role; password: string; phone?: string }) => send<Account>('POST', '/accounts', { body }),
  setAccount: (name: string, body: { role?: Role; disabled?: boolean; password?: string; phone?: string }) =>
    send<Account>('PATCH', path('accounts', name), { body }),
  removeAccount: (name: string) => send<void>('DELETE', path('accounts', name)),
  tokens: (page: Page, signal?: AbortSignal) => list<Token>('/tokens', 'tokens', page, signal),
  addToken: (body: { name: string; role: Role; scopes: Scope[]; networks: string[]; expiresAt?: string }) =>
    send<Token & { token: string }>('POST', '/tokens', { body }),
  removeToken: (id: number) => send<void>('DELETE', path('tokens', id)),
  audit: (page: Page & AuditFilter, signal?: AbortSignal) => list<AuditEntry>('/audit', 'entries', page, signal),

  verification: () => send<Verification>('GET', '/verification'),
  setVerification: (body: { enabled?: boolean; policy?: Partial<VerificationPolicy> }) =>
    send<Verification>('PATCH', '/verification', { body }),
  server: () => send<Server>('GET', '/server'),
}
