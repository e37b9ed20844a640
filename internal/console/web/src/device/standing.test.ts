import { expect, test } from 'vitest'
import type { Config, Device, Push } from '../api/api'
import { en } from '../i18n/en'
import { fill } from '../i18n/message'
import type { Translate } from '../i18n/language'
import { standing } from './standing'

const number = new Intl.NumberFormat('en-GB')
const t: Translate = (key, ...values) => fill(en[key], values[0] ?? {}, number)
const at = '2026-11-22T21:00:00Z'
const push: Push = {
  no: 7, productKey: 'a1b', productName: 'meter', version: 3, state: 'running', total: 1, pending: 1, sent: 0, received: 0, fetched: 0, applied: 0, failed: 0,
  startedBy: 'admin', startedAt: at, endedAt: null, reason: '',
}
const version = { number: 3, configId: 'c', sha256: '', size: 2, note: '', author: 'admin', createdAt: at, pushed: true }
const config: Config = {
  enabled: true, current: version, lastPush: push, nextPushAt: null, policy: { cooldownSeconds: 0, linkSeconds: 1800, history: 5, maxBytes: 65536 },
}
const device: Device = {
  deviceName: 'meter-1', productKey: 'a1b', disabled: false, online: true, connectedAt: at, seenAt: null, push: 7, state: 'pending', code: 0, detail: '',
  stateAt: null, configId: '', configAt: null, configVersion: 0, createdAt: at,
}
const newer = { ...config, current: { ...version, number: 4, pushed: false } }
const stopped = { ...config, lastPush: { ...push, state: 'stopped' as const } }

test.each<[string, Partial<Device>, Config, string]>([
  ['nothing was pushed', {}, { ...config, lastPush: null }, en['standing.noPush']],
  ['it is about to be told', {}, config, 'It is online and about to be told of version 3.'],
  ['it is offline', { online: false }, config, 'It is offline. It is offered version 3 as soon as it connects.'],
  ['it is offline, and was online before', { online: false, activated: true, gateway: null }, config, 'It is offline. It is offered version 3 as soon as it connects.'],
  ['it never signed in', { online: false, activated: false }, config, 'It has not signed in with its secret yet. It is offered version 3 as soon as it does.'],
  ['it is behind a gateway', { online: false, activated: false, gateway: { productKey: 'g1w', deviceName: 'gate-1', connected: false } }, config, 'It is behind gateway gate-1, which has not connected it. It is offered version 3 as soon as that does.'],
  ['it was told and went offline', { online: false, state: 'received' }, config, 'It was told of version 3 and went offline before it downloaded it; it is offered it again when it connects.'],
  ['it was told', { state: 'received' }, config, 'It was told of version 3, but has not downloaded it yet; it is told again when its link has expired.'],
  ['it downloaded', { state: 'fetched' }, config, 'It downloaded version 3, but has not said yet that it applied it.'],
  ['it failed', { state: 'failed', code: -4, detail: 'disk full' }, config, 'It was told of version 3 and said that it failed: -4 disk full'],
  ['it failed without a word', { state: 'failed' }, config, 'It was told of version 3 and said that it failed: –'],
  ['it is disabled', { disabled: true, online: false }, config, en['standing.disabled']],
  ['the switch is off', {}, { ...config, enabled: false }, en['standing.off']],
  ['the push was stopped', {}, stopped, 'Push 7 was stopped before the device was told.'],
  ['the push was stopped after it was told', { state: 'sent' }, stopped, 'It was told of version 3, but push 7 was stopped before it downloaded it, so it is not told again.'],
])('%s', (_, d, c, want) => expect(standing({ ...device, ...d }, c, t)).toEqual({ fine: false, text: want }))

test.each<[string, Partial<Device>, Config, string]>([
  ['it applied', { state: 'applied', configVersion: 3 }, config, 'It runs version 3, the one that was pushed last.'],
  ['it applied a version that is no longer kept', { state: 'applied' }, config, 'It runs version 3, the one that was pushed last.'],
  ['it ran the version already', { configVersion: 3 }, config, 'It runs version 3, the one that was pushed last.'],
  ['a newer version was saved', { state: 'applied', configVersion: 3 }, newer, 'It runs version 3, the one that was pushed last; version 4 was saved since, but not pushed yet.'],
  ['it asked for a newer version', { configVersion: 4 }, newer, 'It runs version 4, which it asked for: newer than version 3, the one that was pushed last.'],
])('%s', (_, d, c, want) => expect(standing({ ...device, ...d }, c, t)).toEqual({ fine: true, text: want }))
