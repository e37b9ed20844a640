import assert from 'node:assert/strict'
import { barriers } from '../axe.mjs'
import { button, confirm, dialog, reaches, update } from '../screen.mjs'

const devices = 5

/** A push from a new browser needs a code: a wrong and an expired one are refused; after the right one it goes on by itself. */
export default async function verification(stage) {
  const server = await stage.serve('--verification', 'on')
  await server.ask('PATCH', '/verification', { policy: { resendSeconds: 10 } })
  const product = await server.product('verification')
  await server.crowd(product, devices)
  await server.save(product, '{"interval": 1}')
  const page = await stage.open(server, `/products/${product}`)
  await button(page, 'Batch Update').click()
  const refusing = page.waitForResponse((r) => r.url().endsWith('/pushes') && r.status() === 403)
  await confirm(dialog(page, 'Confirm Update'), 'Confirm Update')
  const { challengeId } = await (await refusing).json()

  const ask = dialog(page, 'Verification needed')
  await ask.getByText('the code is in the server\'s log').waitFor()
  assert.deepEqual(await barriers(page), [], 'the dialog has no serious barrier')
  const first = await server.code(1)
  const wrong = String((Number(first) + 1) % 1_000_000).padStart(6, '0')
  await enter(ask, wrong)
  await ask.getByText(/^That is not the code\./).waitFor()

  await server.expire(challengeId)
  await enter(ask, first)
  await ask.getByText('the code has expired; have a new one sent', { exact: true }).waitFor()
  assert.equal(await server.lastPush(product), null, 'nothing is pushed without the right code')

  await button(ask, 'Send another code').click()
  await enter(ask, await server.code(2))
  await ask.waitFor({ state: 'hidden' })
  await reaches(page, 'Applied', devices)

  await server.save(product, '{"interval": 2}')
  await page.reload()
  await update(page)
  await page.getByText('Push 2').first().waitFor() // this browser is trusted now
  const steps = (await server.ask('GET', '/audit')).entries.map((e) => e.action).filter((a) => a.startsWith('verification.') && a !== 'verification.set')
  assert.deepEqual(steps.toReversed(), ['verification.ask', 'verification.send', 'verification.fail', 'verification.fail', 'verification.send', 'verification.pass'], 'each step is audited')
}

/** enter types a code; the last digit sends it. */
async function enter(ask, code) {
  await ask.getByRole('textbox').first().focus()
  await ask.page().keyboard.type(code)
}
