export const methods = ['sms', 'totp', 'recovery'] as const
/** Method is a way to come by a code: the server sent it, an authenticator shows it, or the server's own machine printed it. */
export type Method = (typeof methods)[number]

/** Challenge is the server's question for a second proof. */
export type Challenge = {
  challengeId: string
  methods: Method[] // those that the account has, besides a recovery code
  phone: string // where the code goes, masked
  sender: 'log' | 'webhook' | 'aliyun' // log: the code is in the server's log
  resendAt: string | null // when another code may be asked for; null: now
}

type Refusal = { status: number; code: string; detail: string; until?: string; triesLeft?: number } & Partial<Challenge>

/** Problem is a refusal as RFC 9457 has it, or what can be said of an answer that is none. */
export class Problem extends Error {
  readonly status: number
  readonly code: string
  readonly until?: string
  readonly triesLeft?: number // of code_wrong, if tries are counted
  readonly challenge?: Challenge // of verification_required

  constructor({ status, code, detail, until, triesLeft, challengeId, methods = [], phone = '', sender = 'log', resendAt = null }: Refusal) {
    super(detail)
    this.status = status
    this.code = code
    this.until = until
    this.triesLeft = triesLeft
    if (challengeId) this.challenge = { challengeId, methods, phone, sender, resendAt }
  }
}

/** Cancelled is the end of an action that its user gave up: nothing went wrong, so nothing is to be reported. */
export class Cancelled extends Error {}

/** hasCode tells whether an error is a problem with one of these codes. */
export function hasCode(error: unknown, ...codes: string[]): error is Problem {
  return error instanceof Problem && codes.includes(error.code)
}

/**
 * Verify obtains a second proof for a change that was refused with
 * verification_required. It resolves once the change may be tried again, and
 * rejects with Cancelled if that is not wanted.
 */
export type Verify = (refusal: Problem) => Promise<void>

let verify: Verify | undefined

/** onVerificationRequired sets what obtains a second proof. Without one, such a refusal stands. */
export function onVerificationRequired(obtain: Verify | undefined): void {
  verify = obtain
}

type Options = { body?: unknown; ifMatch?: string; signal?: AbortSignal }

/** send makes a request of the API below /api/v1 and reads the answer. It throws a Problem. */
export async function send<T>(method: string, path: string, options: Options = {}): Promise<T> {
  try {
    return await once<T>(method, path, options)
  } catch (error) {
    if (method === 'GET' || !hasCode(error, 'verification_required') || !verify) throw error
    await verify(error)
    return await once<T>(method, path, options)
  }
}

async function once<T>(method: string, path: string, { body, ifMatch, signal }: Options): Promise<T> {
  const headers = new Headers({ Accept: 'application/json' })
  if (body !== undefined) headers.set('Content-Type', 'application/json')
  if (ifMatch !== undefined) headers.set('If-Match', ifMatch)
  const init: RequestInit = { method, headers, signal, credentials: 'same-origin', cache: 'no-store' }
  if (body !== undefined) init.body = JSON.stringify(body)
  const response = await reach('/api/v1' + path, init)
  setClock(response.headers.get('Date'))
  if (!response.ok) throw await problem(response)
  return (response.status === 204 ? undefined : await response.json()) as T
}

async function reach(url: string, init: RequestInit): Promise<Response> {
  try {
    return await fetch(url, init)
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new Problem({ status: 0, code: 'unreachable', detail: '' })
  }
}

async function problem(response: Response): Promise<Problem> {
  try {
    const body = await response.json()
    if (typeof body.code === 'string') return new Problem({ ...body, status: response.status })
  } catch {
    // Not a problem document: a proxy answered.
  }
  const code = response.status >= 500 ? 'unavailable' : 'invalid'
  return new Problem({ status: response.status, code, detail: `${response.status} ${response.statusText}` })
}

/** query writes the parameters of a path; those that are empty are left out. */
export function query(params: Record<string, string | number | undefined>): string {
  const q = new URLSearchParams()
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined && value !== '') q.set(name, String(value))
  }
  const text = q.toString()
  return text && '?' + text
}

/** path joins escaped parts. */
export function path(...parts: (string | number)[]): string {
  return parts.map((part) => '/' + encodeURIComponent(part)).join('')
}

let offset = 0 // of the server's clock from this one, in milliseconds

/** setClock learns the server's time. The header has whole seconds, so small differences say nothing. */
function setClock(date: string | null): void {
  const server = date ? Date.parse(date) : NaN
  if (Number.isNaN(server)) return
  const difference = server + 500 - Date.now()
  offset = Math.abs(difference) > 2000 ? difference : 0
}

/** now is the server's time as far as it is known: count-downs and durations go by it. */
export function now(): number {
  return Date.now() + offset
}
