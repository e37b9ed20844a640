import { expect, test } from 'vitest'
import { Problem } from '../api/http'
import { en } from '../i18n/en'
import type { Translate } from '../i18n/language'
import { fill } from '../i18n/message'
import { zh } from '../i18n/zh'
import { reason } from './reason'

const number = new Intl.NumberFormat('en-GB')
const english: Translate = (key, ...values) => fill(en[key], values[0] ?? {}, number)
const chinese: Translate = (key, ...values) => fill(zh[key], values[0] ?? {}, number)
const wrong = (triesLeft?: number) => new Problem({ status: 403, code: 'code_wrong', detail: 'that is not the code; tries left: 4', triesLeft })

test.each([
  [4, 'That is not the code. 4 tries are left.', '验证码不正确，还可尝试 4 次。'],
  [1, 'That is not the code. 1 try is left.', '验证码不正确，还可尝试 1 次。'],
  [0, 'That is not the code, and no tries are left. Have a new one sent.', '验证码不正确，已无剩余次数，请重新发送验证码。'],
  [undefined, 'That is not the code. If an authenticator shows it, mind the clock of its device.', '验证码不正确。如使用身份验证器，请检查其所在设备的时间。'],
])('of a wrong code with %s tries left', (left, en, zh) => {
  expect(reason(wrong(left), english)).toBe(en)
  expect(reason(wrong(left), chinese)).toBe(zh)
})

test('other refusals are in the words of the server', () => {
  expect(reason(new Problem({ status: 404, code: 'not_found', detail: 'no product a1b' }), chinese)).toBe('no product a1b')
  expect(reason(new Error('odd'), english)).toBe('odd')
  expect(reason('odd', english)).toBe('')
})
