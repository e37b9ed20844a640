import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Cancelled, onVerificationRequired, Problem, send } from './http'

const refusal = {
  status: 403, code: 'verification_required', detail: 'from here a push needs a second proof',
  challengeId: 'c1', methods: ['sms', 'totp'], phone: '138****0000', sender: 'webhook', resendAt: '2026-11-22T21:01:00Z',
}
const answer = (status: number, body: unknown) => () => Promise.resolve(new Response(JSON.stringify(body), { status }))
const fetch = vi.fn<typeof globalThis.fetch>()

beforeEach(() => vi.stubGlobal('fetch', fetch))

afterEach(() => {
  fetch.mockReset()
  onVerificationRequired(undefined)
  vi.unstubAllGlobals()
})

test('after a verification the same request goes through', async () => {
  fetch.mockImplementationOnce(answer(403, refusal)).mockImplementationOnce(answer(201, { no: 7 }))
  const verify = vi.fn(async (_: Problem) => {})
  onVerificationRequired(verify)
  expect(await send('POST', '/products/a1b/pushes', { body: { version: 3 } })).toEqual({ no: 7 })
  expect(verify.mock.calls[0]![0].challenge).toEqual({
    challengeId: 'c1', methods: ['sms', 'totp'], phone: '138****0000', sender: 'webhook', resendAt: '2026-11-22T21:01:00Z',
  })
  expect(fetch.mock.calls.map(([url, init]) => [url, init?.method, init?.body])).toEqual([
    ['/api/v1/products/a1b/pushes', 'POST', '{"version":3}'],
    ['/api/v1/products/a1b/pushes', 'POST', '{"version":3}'],
  ])
})

test('it waits for the verification', async () => {
  fetch.mockImplementationOnce(answer(403, refusal)).mockImplementationOnce(answer(201, { no: 7 }))
  let pass = () => {}
  const asked = new Promise<void>((resolve) => onVerificationRequired(() => {
    resolve()
    return new Promise((done) => { pass = done })
  }))
  const sent = send('POST', '/tokens', { body: {} })
  await asked
  expect(fetch).toHaveBeenCalledTimes(1)
  pass()
  expect(await sent).toEqual({ no: 7 })
})

test('it is tried again once only', async () => {
  fetch.mockImplementation(answer(403, refusal))
  onVerificationRequired(async () => {})
  await expect(send('POST', '/tokens')).rejects.toMatchObject({ code: 'verification_required' })
  expect(fetch).toHaveBeenCalledTimes(2)
})

test('what is given up is not sent again', async () => {
  fetch.mockImplementation(answer(403, refusal))
  onVerificationRequired(() => Promise.reject(new Cancelled()))
  await expect(send('POST', '/tokens')).rejects.toBeInstanceOf(Cancelled)
  expect(fetch).toHaveBeenCalledTimes(1)
})

test('without a dialog the refusal stands', async () => {
  fetch.mockImplementation(answer(403, refusal))
  await expect(send('POST', '/tokens')).rejects.toBeInstanceOf(Problem)
})

test('other refusals ask for no code', async () => {
  fetch.mockImplementation(answer(403, { status: 403, code: 'forbidden', detail: 'no' }))
  const verify = vi.fn(async () => {})
  onVerificationRequired(verify)
  await expect(send('POST', '/tokens')).rejects.toMatchObject({ code: 'forbidden', challenge: undefined })
  expect(verify).not.toHaveBeenCalled()
})

test('a wrong code says how many tries are left', async () => {
  fetch.mockImplementationOnce(answer(403, { status: 403, code: 'code_wrong', detail: 'no', triesLeft: 0 }))
  await expect(send('POST', '/challenges/c1/verify')).rejects.toMatchObject({ code: 'code_wrong', triesLeft: 0 })
})

test('an answer that is no problem document is one all the same', async () => {
  fetch.mockImplementation(() => Promise.resolve(new Response('<html>', { status: 502, statusText: 'Bad Gateway' })))
  await expect(send('GET', '/me')).rejects.toMatchObject({ status: 502, code: 'unavailable', message: '502 Bad Gateway' })
})

test('a server that is not there is unreachable', async () => {
  fetch.mockImplementation(() => Promise.reject(new TypeError('Failed to fetch')))
  await expect(send('GET', '/me')).rejects.toMatchObject({ status: 0, code: 'unreachable' })
})
