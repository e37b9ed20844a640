import { password } from '../server.mjs'
import { button, dialog, holds, save, template, write } from '../screen.mjs'

/** A session ends while a text is being written: after signing in again it is still there, and is saved. */
export default async function session(stage) {
  const server = stage.shared
  const product = await server.product('session')
  const page = await stage.open(server, `/products/${product}`)
  await write(template(page), '{"interval": 60}')
  await page.context().clearCookies()
  await save(page)

  const again = dialog(page, /Your session has ended/)
  await again.getByLabel('Password', { exact: true }).fill(password)
  await button(again, 'Sign in').click()
  await again.waitFor({ state: 'hidden' })
  await holds(template(page), '{"interval": 60}')
  await button(dialog(page, 'Confirm'), 'Confirm').click()
  await page.getByText('Saved as version 1').waitFor()
}
