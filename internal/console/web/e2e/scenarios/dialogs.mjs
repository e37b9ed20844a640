import { Inspection } from '../axe.mjs'
import { button, confirm, dialog, holds, template, write } from '../screen.mjs'

/** No state of the configuration page, and no dialog, has a barrier that axe-core calls serious or critical. */
export default async function dialogs(stage) {
  const server = stage.shared
  const product = await server.product('dialogs')
  await server.save(product, '{"interval": 60}', 'first')
  await server.save(product, '{"interval": 61}', 'second')
  const inspection = new Inspection()
  const page = await stage.open(server, `/products/${product}`)
  const look = (name) => inspection.look(page, name)
  const close = async (name) => {
    await page.keyboard.press('Escape')
    await dialog(page, name).waitFor({ state: 'hidden' })
  }

  await holds(template(page), '{"interval": 61}')
  await look('a product without devices')
  await page.getByRole('switch').click()
  await dialog(page, 'Turn off remote configuration?').waitFor()
  await look('turn off')
  await close('Turn off remote configuration?')
  await button(page, 'Batch Update').click()
  await page.getByText('The rules allow this update now.').waitFor()
  await dialog(page, 'Confirm Update').getByRole('textbox').first().waitFor()
  await look('confirm update')
  await close('Confirm Update')

  await page.getByRole('checkbox', { name: 'Version 1' }).check()
  await page.getByRole('checkbox', { name: 'Version 2' }).check()
  await button(page, 'Compare').click()
  await dialog(page, 'Compare').getByRole('textbox').first().waitFor()
  await look('compare')
  await close('Compare')

  await write(template(page), '{oops}')
  await page.getByText(/^Line 1, column/).waitFor()
  await look('a text with an error')
  await write(template(page), '{"interval": 62}')
  await server.save(product, '{"interval": 63}')
  await button(page, 'Save').click()
  await page.getByLabel('Note').waitFor()
  await look('save')
  await confirm(dialog(page, 'Confirm'), 'Confirm')
  await dialog(page, 'Somebody else saved in between').getByRole('textbox').first().waitFor()
  await look('conflict')
  await close('Somebody else saved in between')
  await page.getByRole('tab', { name: 'Devices' }).click()
  await dialog(page, 'Leave with unsaved changes?').waitFor()
  await look('leave')
  await button(page, 'Leave').click()

  await button(page, 'Add devices').click()
  await dialog(page, 'Add devices').waitFor()
  await look('add devices')
  await close('Add devices')
  await page.getByRole('link', { name: 'All environments' }).first().click()
  await button(page, 'Add instance').click()
  await dialog(page, 'Add instance').waitFor()
  await look('add instance')
  inspection.end()
}
