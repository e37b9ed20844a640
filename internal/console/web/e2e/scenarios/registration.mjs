import assert from 'node:assert/strict'
import { password } from '../server.mjs'

/** The switches of a product say which devices may register; an editor sees them, and cannot turn them. */
export default async function registration(stage) {
  const server = stage.shared
  const product = await server.product('registration')
  const page = await stage.open(server, `/products/${product}/settings`)
  const dynamic = page.getByRole('switch', { name: 'Dynamic registration' })
  const unlisted = page.getByRole('switch', { name: 'Without pre-registration' })
  const turned = async (one, to) => {
    await one.press('Space')
    await one.and(page.getByRole('switch', { checked: to })).waitFor()
  }
  const set = async () => {
    const p = await server.ask('GET', `/products/${product}`)
    return [p.dynamicRegistration, p.withoutPreRegistration]
  }
  await turned(dynamic, true)
  await turned(unlisted, true)
  assert.deepEqual(await set(), [true, true], 'the switches of the API')
  await turned(unlisted, false)
  assert.deepEqual(await set(), [true, false], 'the switches of the API')

  await server.ask('POST', '/accounts', { name: 'edith', role: 'editor', password })
  const editor = await stage.open(server, `/products/${product}/settings`, { account: 'edith' })
  const shown = editor.getByRole('switch', { name: 'Dynamic registration', checked: true })
  await editor.getByRole('note', { name: 'This needs the role Publisher.' }).filter({ has: shown }).waitFor()
  assert(await shown.isDisabled(), 'an editor turns nothing')
}
