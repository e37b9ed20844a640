import assert from 'node:assert/strict'
import { counts, countsOf, update } from '../screen.mjs'

const devices = 2000
const rate = 500
const longest = 500 // milliseconds without movement, on a machine that does nothing else
const tries = 3

/** A push to 2,000 devices moves on the page at least every half second, and ends with the API's counts. */
export default async function fleet(stage) {
  const server = await stage.serve('--push-rate', String(rate))
  const product = await server.product('fleet')
  await server.crowd(product, devices, '--apply-max', '500ms', '--fail', '0.01')
  const page = await stage.open(server, `/products/${product}`)
  const seen = []
  for (let version = 1; version <= tries; version++) { // once more, should the machine have been busy
    await server.save(product, `{"interval": ${version}}`)
    await watch(page)
    const limit = Math.round(longest / share())
    await update(page)
    await page.getByText(`Version ${version}, started by admin`).waitFor()
    await page.getByText('Completed').first().waitFor()
    const push = await server.lastPush(product)
    assert.deepEqual(await counts(page), countsOf(push), 'the final counts on the page are the API\'s')
    assert.equal(push.applied + push.failed, devices, 'every device has an outcome')
    const moves = await page.evaluate(() => globalThis.moves)
    assert(moves.length >= devices / rate, `the push takes some seconds, and the page moved ${moves.length} times`)
    const still = moves.slice(1).map((at, i) => Math.round(at - moves[i]))
    if (Math.max(...still) <= limit) return
    seen.push(`${still.join(' ')} ms, want at most ${limit} ms`)
  }
  assert.fail(`the counts on the page stood still for too long:\n${seen.join('\n')}`)
}

/** watch notes when the counts of the push that runs change on the page. */
async function watch(page) {
  await page.evaluate(() => {
    globalThis.watching?.disconnect()
    globalThis.moves = []
    let last = ''
    globalThis.watching = new MutationObserver(() => {
      const now = [...document.querySelectorAll('[data-count]')].map((e) => e.dataset.count).join()
      if (now === last) return
      last = now
      globalThis.moves.push(performance.now())
    })
    globalThis.watching.observe(document.body, { subtree: true, childList: true, attributes: true, attributeFilter: ['data-count'] })
  })
}

/** share is how much of a processor who wants one is given now: 1 on a machine that does nothing else. */
function share() {
  const [begin, before] = [performance.now(), process.cpuUsage()]
  while (performance.now() < begin + 200);
  const { user, system } = process.cpuUsage(before)
  return Math.min(1, (user + system) / 1000 / (performance.now() - begin))
}
