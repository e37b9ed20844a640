import assert from 'node:assert/strict'
import { begins, counts, countsOf, holds, reaches, template, update, write } from '../screen.mjs'

const devices = 300

/** The server is restarted while a page shows a push: the page recovers by itself, and so does the push. */
export default async function restart(stage) {
  const server = await stage.serve('--push-rate', '50')
  const product = await server.product('restart')
  await server.crowd(product, devices)
  await server.save(product, '{"interval": 1}')
  const page = await stage.open(server, `/products/${product}`)
  await page.evaluate(() => { globalThis.neverReloaded = true })
  await update(page)
  await write(template(page), '{"interval": 2}')
  await begins(page, 'Applied')

  await server.stop()
  const broken = page.getByText('The connection to the server broke off.')
  await broken.waitFor()
  await server.start()
  await broken.waitFor({ state: 'hidden' })
  await reaches(page, 'Applied', devices)
  await page.getByText('Completed').first().waitFor()
  assert.deepEqual(await counts(page), countsOf(await server.lastPush(product)), 'the counts on the page are the API\'s')
  await holds(template(page), '{"interval": 2}')
  assert(await page.evaluate(() => globalThis.neverReloaded), 'the page recovers without being loaded again')
}
