import assert from 'node:assert/strict'
import { password } from '../server.mjs'
import { button, dialog, holds, reaches, template } from '../screen.mjs'

const devices = 5

/** The day without a mouse: sign in, open a product, turn it on, save a version, push it. */
export default async function keyboard(stage) {
  const server = await stage.serve()
  const product = await server.product('by-keyboard')
  await server.ask('PATCH', `/products/${product}/config`, { enabled: false })
  await server.crowd(product, devices)
  const page = await stage.open(server, '/', { account: null })
  const { keyboard: keys } = page

  await page.getByLabel('Account').and(page.locator(':focus')).waitFor() // where it begins
  await keys.type('admin')
  await reach(page.getByLabel('Password', { exact: true }))
  await keys.type(password)
  await keys.press('Enter')

  await press(page.getByRole('link', { name: 'default' }), 'Enter')
  await press(page.getByRole('link', { name: 'by-keyboard' }), 'Enter')
  await press(page.getByRole('switch', { name: 'Remote configuration' }), 'Space')
  await page.getByText('Remote configuration is on').waitFor()

  await reach(template(page))
  await keys.type('{"interval": 60')
  await holds(template(page), '{"interval": 60}') // the editor closes the bracket
  await press(button(page, 'Save'), 'Enter', 'Shift+Tab')
  await page.getByLabel('Note').and(page.locator(':focus')).waitFor()
  await keys.type('by keyboard')
  await press(button(dialog(page, 'Confirm'), 'Confirm'), 'Enter')
  await page.getByText('Saved as version 1').waitFor()
  const saved = await server.ask('GET', `/products/${product}/config/versions/1`)
  assert.deepEqual([saved.content, saved.note], ['{"interval": 60}', 'by keyboard'], 'what was saved')

  await press(button(page, 'Batch Update'), 'Enter', 'Shift+Tab')
  await page.getByText('The rules allow this update now.').waitFor()
  await press(button(dialog(page, 'Confirm Update'), 'Confirm Update'), 'Enter')
  await reaches(page, 'Applied', devices)
}

/** press reaches something and presses a key on it. */
async function press(locator, key, by) {
  await reach(locator, by)
  await locator.press(key)
}

/** reach goes on with a key until something has the focus; it must be within reach. */
async function reach(locator, by = 'Tab') {
  await locator.waitFor()
  const focused = () => locator.evaluate((element) => element === document.activeElement)
  for (let presses = 0; !await focused(); presses++) {
    assert(presses < 60, `${locator} is reached with ${by}`)
    await locator.page().keyboard.press(by)
  }
}
