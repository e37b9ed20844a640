import { button, dialog, holds, template, write } from '../screen.mjs'

/** Who leaves with unsaved text is asked: within the console, and by the browser. */
export default async function leave(stage) {
  const server = stage.shared
  const product = await server.product('leave')
  await server.save(product, '{"interval": 1}')
  const page = await stage.open(server, `/products/${product}`)
  await holds(template(page), '{"interval": 1}')
  await write(template(page), '{"interval": 2}')

  const ask = dialog(page, 'Leave with unsaved changes?')
  await page.getByRole('tab', { name: 'Devices' }).click()
  await button(ask, 'Stay').click()
  await ask.waitFor({ state: 'hidden' })
  await holds(template(page), '{"interval": 2}')

  const asked = page.waitForEvent('dialog', (d) => d.type() === 'beforeunload')
  await page.close({ runBeforeUnload: true })
  await (await asked).dismiss()
  await holds(template(page), '{"interval": 2}')

  await page.getByRole('tab', { name: 'Devices' }).click()
  await button(ask, 'Leave').click()
  await page.waitForURL('**/devices')
}
