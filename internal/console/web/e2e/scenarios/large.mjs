import assert from 'node:assert/strict'
import { button, holds, save, template, write } from '../screen.mjs'

const limit = 64 << 10

/** textOf is a configuration of so many bytes, some of which are parts of characters. */
function textOf(bytes) {
  const frame = '{"text": ""}'
  const umlauts = 'ü'.repeat(1000)
  return `{"text": "${umlauts}${'x'.repeat(bytes - frame.length - 2 * umlauts.length)}"}`
}

/** A template of 64 KiB is saved to the byte; one byte more is refused, on the page and by the API. */
export default async function large(stage) {
  const server = stage.shared
  const product = await server.product('large')
  const page = await stage.open(server, `/products/${product}`)

  await write(template(page), textOf(limit + 1))
  await page.getByRole('note', { name: 'The text is larger than allowed.' }).waitFor()
  assert(await button(page, 'Save').isDisabled(), 'a text over the limit cannot be saved')
  const refused = await server.request('POST', `/products/${product}/config/versions`, { content: textOf(limit + 1) })
  assert.deepEqual([refused.status, (await refused.json()).code], [413, 'too_large'], 'the API refuses it as well')

  await write(template(page), textOf(limit))
  await save(page)
  await page.getByText('Saved as version 1').waitFor()
  const saved = await server.ask('GET', `/products/${product}/config/versions/1`)
  assert.equal(saved.size, limit, 'the size of what was saved')
  assert.equal(saved.content, textOf(limit), 'what was saved')
  await page.reload()
  await holds(template(page), '{"text": "ü')
}
