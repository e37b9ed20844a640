import assert from 'node:assert/strict'
import { password } from '../server.mjs'
import { button, counts, countsOf, dialog, reaches, save, signIn, template, update, write } from '../screen.mjs'

const devices = 60

/** An operator's day, from an empty installation to 100 % applied. */
export default async function day(stage) {
  const server = await stage.serve()
  const page = await stage.open(server, '/', { account: null })

  await signIn(page, 'admin', 'not the password')
  await page.getByText('Not signed in, or a wrong password').waitFor()
  await signIn(page, 'admin', password)
  await page.getByRole('heading', { name: 'All environments' }).waitFor()

  const product = await create(page)
  await server.crowd(product, devices, '--apply-min', '200ms', '--apply-max', '2s')
  await page.getByRole('switch', { name: 'Remote configuration' }).click()
  await page.getByText('Remote configuration is on').waitFor()

  await write(template(page), '{\n  "a": 1,\n  "a": 2\n}')
  await page.getByText('Line 3, column 3:').waitFor()
  assert(await button(page, 'Save').isDisabled(), 'a text with an error cannot be saved')
  await write(template(page), '{"interval": 60}')
  await button(page, 'Format').click()
  await save(page, 'first template')
  await page.getByText('Saved as version 1').waitFor()
  const saved = await server.ask('GET', `/products/${product}/config/versions/1`)
  assert.equal(saved.content, '{\n  "interval": 60\n}', 'what is saved is what the editor shows')

  await update(page)
  await reaches(page, 'Applied', devices)
  await page.getByText('Completed').first().waitFor()
  assert.deepEqual(await counts(page), countsOf(await server.lastPush(product)), 'the counts on the page are the API\'s')

  await page.getByRole('tab', { name: 'Devices' }).click()
  await page.getByRole('link', { name: 'sim-000001' }).click()
  await page.getByText('It runs version 1, the one that was pushed last.').waitFor()
  await look(page, 'Pushes', '#1')
  await look(page, 'Audit', 'push.start')
  await button(page, 'admin').click()
  await page.getByRole('menuitem', { name: 'Sign out' }).click()
  await page.getByRole('heading', { name: 'Sign in to cota' }).waitFor()
}

/** create goes from an empty installation to how the first device is connected. */
async function create(page) {
  await button(page, 'Create product').click()
  await page.getByLabel('Product name').fill('smart-meter')
  await button(dialog(page, 'Create product'), 'OK').click()
  await page.getByText('ProductSecret').waitFor()
  await page.getByRole('link', { name: 'Open the product' }).click()
  await page.getByText('Connect your first device').waitFor()
  const product = page.url().split('/').at(-1)
  await page.getByText(`cota sim -n 10 -p ${product}`).first().waitFor()
  return product
}

async function look(page, place, seen) {
  await page.getByRole('navigation').getByRole('link', { name: place, exact: true }).click()
  await page.getByText(seen).first().waitFor()
}
