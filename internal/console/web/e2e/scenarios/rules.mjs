import assert from 'node:assert/strict'
import { button, confirm, dialog } from '../screen.mjs'

/** Confirm Update says why the rules do not allow a push, counts down, and goes on by itself when they do. */
export default async function rules(stage) {
  const server = stage.shared
  const product = await server.product('rules')
  await server.crowd(product, 1)
  await server.ask('PATCH', `/products/${product}/config`, { enabled: false })
  const page = await stage.open(server, `/products/${product}`)
  const ask = dialog(page, 'Confirm Update')
  const close = async () => {
    await page.keyboard.press('Escape')
    await ask.waitFor({ state: 'hidden' })
  }
  const refused = async (why) => {
    await button(page, 'Batch Update').click()
    await ask.getByText(why).waitFor()
    assert(await button(ask, 'Confirm Update').isDisabled(), `an update is refused: ${why}`)
    await close()
  }
  await refused('Remote configuration is off. Turn it on first.')
  await server.ask('PATCH', `/products/${product}/config`, { enabled: true, policy: { cooldownSeconds: 3600 } })
  await refused('Nothing is saved yet. Save a configuration first.')
  await server.save(product, '{"interval": 1}')
  await server.ask('POST', `/products/${product}/pushes`, {})
  await refused('Version 1 was pushed before. Save a new version first.')

  await server.save(product, '{"interval": 2}')
  await button(page, 'Batch Update').click()
  await ask.getByText('The last push of this product was too recent.').waitFor()
  await ask.getByText(/00:59:\d\d/).waitFor()
  await close()
  const { startedAt } = await server.lastPush(product)
  const soon = Math.ceil((Date.now() - Date.parse(startedAt)) / 1000) + 2
  await server.ask('PATCH', `/products/${product}/config`, { policy: { cooldownSeconds: soon } })
  await button(page, 'Batch Update').click()
  await ask.getByText('The rules allow this update now.').waitFor()
  await confirm(ask, 'Confirm Update')
  await page.getByText('Version 2, started by admin').waitFor()
}
