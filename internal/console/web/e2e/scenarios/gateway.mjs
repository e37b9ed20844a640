import assert from 'node:assert/strict'
import { Inspection } from '../axe.mjs'
import { button, dialog } from '../screen.mjs'
import { password } from '../server.mjs'

/** The page of a gateway lists the devices behind it, which lead there and back, and can be taken out. */
export default async function gateway(stage) {
  const server = stage.shared
  const hubs = await server.product('hubs')
  const meters = await server.product('meters')
  const [hub, online, offline] = [await server.device(hubs, 'hub-0001'), await server.device(meters, 'meter-0001'), await server.device(meters, 'meter-0002')]
  const connected = await server.gateway(hubs, hub)
  await connected.add(meters, online, offline)
  await connected.logIn(meters, online)
  const at = `/products/${hubs}/devices/hub-0001`
  const inspection = new Inspection()

  const page = await stage.open(server, at)
  const title = page.getByText('Devices behind this gateway', { exact: true })
  const row = (name) => page.getByRole('row', { name })
  await row('meter-0001').getByText('Online').waitFor()
  await row('meter-0002').getByText('Offline').waitFor()
  await inspection.look(page, 'gateway')

  await page.getByRole('link', { name: 'meter-0001' }).click()
  await page.getByText('has it connected').waitFor()
  assert.equal(await title.count(), 0, 'a device that is no gateway lists none')
  await inspection.look(page, 'device behind a gateway')
  await page.getByRole('link', { name: 'hub-0001' }).click()

  const ask = dialog(page, 'Take meter-0001 out from behind this gateway?')
  await button(row('meter-0001'), 'Take out').focus()
  await page.keyboard.press('Enter')
  await ask.waitFor()
  await page.keyboard.press('Escape')
  await ask.waitFor({ state: 'hidden' })
  await button(row('meter-0001'), 'Take out').and(page.locator(':focus')).press('Enter')
  await button(ask, 'Take out').press('Enter')
  await row('meter-0001').waitFor({ state: 'hidden' })
  await row('meter-0002').waitFor()
  assert.equal((await server.ask('GET', `/products/${meters}/devices/meter-0001`)).gateway, null, 'what the device that was taken out is behind')

  await server.ask('POST', '/accounts', { name: 'gwen', role: 'viewer', password })
  const viewer = await stage.open(server, at, { account: 'gwen' })
  await viewer.getByRole('note', { name: 'This needs the role Editor.' }).filter({ has: button(viewer, 'Take out') }).waitFor()
  assert(await button(viewer, 'Take out').isDisabled(), 'a viewer takes nothing out')

  await button(row('meter-0002'), 'Take out').click()
  await button(dialog(page, 'Take meter-0002 out from behind this gateway?'), 'Take out').click()
  await title.waitFor({ state: 'hidden' })
  inspection.end()
}
