import assert from 'node:assert/strict'
import { barriers } from '../axe.mjs'
import { ca } from '../certificates.mjs'
import { button, dialog } from '../screen.mjs'

/** From a new browser, trusting a CA needs a code; what is asked for, and that a code is wrong, is in Chinese. */
export default async function trust(stage) {
  const server = await stage.serve('--verification', 'on')
  const product = await server.product('trust')
  const page = await stage.open(server, `/products/${product}/certificates`, { language: 'zh' })
  const add = dialog(page, '添加 CA')
  await button(page, '添加 CA').click()
  await add.getByLabel('PEM 格式的证书').fill(ca)
  await button(add, '信任').click()

  const ask = dialog(page, '需要验证身份')
  const fields = ask.getByRole('group', { name: '六位验证码' }).getByRole('textbox')
  await fields.first().waitFor()
  const names = [1, 2, 3, 4, 5, 6].map((n) => `第 ${n} 位，共 6 位`)
  const named = async () => await fields.evaluateAll((all) => all.map((field) => field.ariaLabel))
  assert.deepEqual(await named(), names, 'the names of the fields')
  assert.deepEqual(await barriers(page), [], 'the dialog has no serious barrier')

  const right = await server.code(1)
  const refusing = page.waitForResponse((r) => r.url().endsWith('/verify') && r.status() === 403)
  await enter(page, fields, String((Number(right) + 1) % 1_000_000).padStart(6, '0'))
  const { triesLeft } = await (await refusing).json()
  await ask.getByText(triesLeft === undefined ? /^验证码不正确。/ : `验证码不正确，还可尝试 ${triesLeft} 次。`).waitFor()
  assert.deepEqual(await named(), names, 'the names of the fields after a wrong code')

  await enter(page, fields, right)
  await ask.waitFor({ state: 'hidden' })
  await page.getByRole('row', { name: 'CN=Meters CA' }).waitFor()
  assert.equal((await server.ask('GET', `/products/${product}/ca`)).certificates.length, 1, 'how many CAs are trusted')
}

/** enter types a code; the last digit sends it. */
async function enter(page, fields, code) {
  await fields.first().focus()
  await page.keyboard.type(code)
}
