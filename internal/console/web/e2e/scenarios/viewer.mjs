import assert from 'node:assert/strict'
import { password } from '../server.mjs'
import { button, dialog, holds, reaches, template } from '../screen.mjs'

/** A viewer sees everything and can do nothing: each action says why, and the API refuses it as well. */
export default async function viewer(stage) {
  const server = stage.shared
  const product = await server.product('viewer')
  await server.ask('POST', '/accounts', { name: 'vera', role: 'viewer', password })
  await server.ask('POST', `/products/${product}/devices`, { deviceName: 'meter-0001' })
  await server.save(product, '{"interval": 1}', 'first')
  const push = await server.ask('POST', `/products/${product}/pushes`, {}) // runs on: the device is not connected

  const page = await stage.open(server, `/products/${product}`, { account: 'vera' })
  await holds(template(page), '{"interval": 1}')
  await reaches(page, 'Pending', 1)
  await refused(page, button(page, 'Batch Update'), 'Publisher')
  await refused(page, page.getByRole('switch', { name: 'Remote configuration' }), 'Publisher')
  await refused(page, button(page, 'Stop'), 'Publisher')
  await refused(page, button(page, 'Save'), 'Editor')
  await refused(page, button(page, 'Restore to This Version'), 'Editor')
  await button(page, 'View').click()
  await holds(dialog(page, 'Version 1').getByRole('textbox'), '{"interval": 1}')

  await page.goto(`${server.url}/products/${product}/devices`)
  await page.getByRole('link', { name: 'meter-0001' }).waitFor()
  await refused(page, button(page, 'Add devices'), 'Editor')
  await page.getByRole('link', { name: 'meter-0001' }).click()
  await page.getByText('It has not signed in with its secret yet. It is offered version 1 as soon as it does.').waitFor()
  await refused(page, button(page, 'Disable'), 'Editor')
  await refused(page, button(page, 'Reset secret'), 'Publisher')
  await refused(page, button(page, 'Remove'), 'Editor')
  await page.goto(`${server.url}/instances/default`)
  await page.getByRole('link', { name: 'viewer' }).waitFor()
  await refused(page, button(page, 'Create product'), 'Editor')

  const { name, value } = await server.cookie('vera')
  const at = `/products/${product}`
  for (const [method, path, body] of [
    ['POST', `${at}/pushes`, {}],
    ['POST', `/pushes/${push.no}/stop`, { reason: '' }],
    ['POST', `${at}/config/versions`, { content: '{"interval": 2}', note: '' }],
    ['PATCH', `${at}/config`, { enabled: false }],
    ['POST', `${at}/devices`, { deviceName: 'meter-0002' }],
    ['PATCH', `${at}/devices/meter-0001`, { disabled: true }],
    ['PATCH', `${at}/devices/meter-0001`, { resetSecret: true }],
    ['DELETE', `${at}/devices/meter-0001`],
    ['POST', '/products', { name: 'another' }],
    ['POST', '/accounts', { name: 'mallory', role: 'admin', password }],
  ]) {
    const response = await server.request(method, path, body, { Cookie: `${name}=${value}` })
    assert.deepEqual([response.status, (await response.json()).code], [403, 'forbidden'], `${method} ${path} ${JSON.stringify(body)} as a viewer`)
  }
}

/** refused wants an action to be disabled, and to say that it needs a role. */
async function refused(page, action, role) {
  const why = page.getByRole('note', { name: `This needs the role ${role}.` }).filter({ has: action })
  await why.waitFor()
  assert(await action.isDisabled(), `${action} is disabled for a viewer`)
  await why.hover()
  await page.getByRole('tooltip', { name: `This needs the role ${role}.` }).first().waitFor()
}
