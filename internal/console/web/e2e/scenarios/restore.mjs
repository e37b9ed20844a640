import assert from 'node:assert/strict'
import { eventually } from '../server.mjs'
import { button, dialog, holds, reaches, save, template, update } from '../screen.mjs'

const devices = 5

/** An older version is compared, looked at, restored and pushed: devices run its text again. */
export default async function restore(stage) {
  const server = stage.shared
  const product = await server.product('restore')
  await server.crowd(product, devices)
  await server.save(product, '{"interval": 60}', 'slow')
  await server.ask('POST', `/products/${product}/pushes`, {})
  await server.save(product, '{"interval": 1}', 'a mistake')
  await server.ask('POST', `/products/${product}/pushes`, {})
  await eventually('the mistake is everywhere', async () => (await server.lastPush(product)).applied === devices)

  const page = await stage.open(server, `/products/${product}`)
  await page.getByRole('checkbox', { name: 'Version 1' }).check()
  await page.getByRole('checkbox', { name: 'Version 2' }).check()
  await button(page, 'Compare').click()
  const compared = dialog(page, 'Compare')
  await holds(compared.getByRole('textbox', { name: 'Version 1' }), '{"interval": 60}')
  await holds(compared.getByRole('textbox', { name: 'Version 2' }), '{"interval": 1}')
  await page.keyboard.press('Escape')
  await compared.waitFor({ state: 'hidden' })

  const old = page.getByRole('row', { name: 'slow' })
  await old.getByRole('button', { name: 'View' }).click()
  const viewed = dialog(page, 'Version 1')
  await holds(viewed.getByRole('textbox', { name: 'Version 1' }), '{"interval": 60}')
  await page.keyboard.press('Escape')
  await viewed.waitFor({ state: 'hidden' })

  await old.getByRole('button', { name: 'Restore to This Version' }).click()
  await holds(template(page), '{"interval": 60}')
  await save(page, 'back to slow')
  await page.getByText('Saved as version 3').waitFor()
  await update(page)
  await eventually('the restored version is everywhere', async () => {
    const push = await server.lastPush(product)
    return push.version === 3 && push.applied === devices
  })
  await page.getByText('Version 3, started by admin').waitFor()
  await reaches(page, 'Applied', devices)
  const device = await server.ask('GET', `/products/${product}/devices/sim-000001`)
  const [run, first] = await Promise.all([device.configVersion, 1].map((n) => server.ask('GET', `/products/${product}/config/versions/${n}`)))
  assert.equal(run.content, first.content, 'a device runs the text of version 1')
  assert.equal(run.number, 3, 'as a version of its own')
}
