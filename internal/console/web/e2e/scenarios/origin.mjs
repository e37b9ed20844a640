import assert from 'node:assert/strict'
import { button, template } from '../screen.mjs'

const most = 450_000

/** The first load is small, the editor comes when it is shown, and nothing leaves the server's origin. */
export default async function origin(stage) {
  const server = stage.shared
  const product = await server.product('origin')
  const page = await stage.open(server, '/')
  await page.getByRole('link', { name: 'default' }).waitFor()
  const first = await loaded(page)
  const sum = first.reduce((all, file) => all + file.size, 0)
  assert(sum > 100_000 && sum <= most, `the first load is ${sum} bytes; want at most ${most}`)
  const bare = first.filter((file) => /\.(js|css)$/.test(file.name) && file.size > 2000 && file.size > 0.6 * file.plain)
  assert.deepEqual(bare, [], 'scripts and styles come compressed')

  await page.goto(`${server.url}/products/${product}`)
  await template(page).waitFor()
  const names = new Set(first.map((file) => file.name))
  const later = (await loaded(page)).filter((file) => !names.has(file.name))
  assert(later.some((file) => file.size > 80_000), `the editor is a chunk of its own: ${JSON.stringify(later)}`)

  stage.check() // so far; what follows shows that a breach is noticed
  const refused = await page.evaluate(() => fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused'))
  assert.equal(refused, 'refused', 'the policy keeps the page from asking another origin')
  assert.match(stage.problems.splice(0).join('\n'), /Content Security Policy/, 'the breach is noticed')
  await button(page, 'Batch Update').waitFor()
}

/** loaded is what the page took from the server, the document included. */
async function loaded(page) {
  await page.waitForLoadState('networkidle')
  return await page.evaluate(() => [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
    .map((r) => ({ name: r.name, size: r.encodedBodySize, plain: r.decodedBodySize })))
}
