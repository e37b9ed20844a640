import assert from 'node:assert/strict'
import { button, dialog, holds, save, template, write } from '../screen.mjs'

/** Two tabs save texts made from the same version: the second is shown both, and nothing is lost. */
export default async function conflict(stage) {
  const server = stage.shared
  const product = await server.product('conflict')
  await server.save(product, '{"interval": 1}')
  const path = `/products/${product}`
  const first = await stage.open(server, path)
  const second = await stage.tab(server, path, first.context())

  await holds(template(first), '{"interval": 1}')
  await holds(template(second), '{"interval": 1}')
  await write(template(second), '{"interval": 22}')
  await first.bringToFront()
  await write(template(first), '{"interval": 333}')
  await save(first)
  await first.getByText('Saved as version 2').waitFor()

  await second.bringToFront()
  await save(second)
  const both = dialog(second, 'Somebody else saved in between')
  await holds(both.getByRole('textbox', { name: 'Version 2 by admin' }), '{"interval": 333}')
  await holds(both.getByRole('textbox', { name: 'Your text' }), '{"interval": 22}')
  await button(both, 'Keep editing').click()
  await both.waitFor({ state: 'hidden' })
  await holds(template(second), '{"interval": 22}')

  await save(second)
  await button(both, 'Save over version 2').click()
  await second.getByText('Saved as version 3').waitFor()
  for (const [number, content] of [[1, '{"interval": 1}'], [2, '{"interval": 333}'], [3, '{"interval": 22}']]) {
    const kept = await server.ask('GET', `/products/${product}/config/versions/${number}`)
    assert.equal(kept.content, content, `version ${number} is kept`)
  }
}
