import assert from 'node:assert/strict'
import { begins, button, dialog, reaches, update } from '../screen.mjs'
import { eventually } from '../server.mjs'

// The gateway sends a hundred at once, then a hundred each two seconds.
const rate = 50
const devices = 400
const others = 200

/** The switch goes off in the middle of a push: sending stops, and the push says why. */
export default async function switchOff(stage) {
  const server = await stage.serve('--push-rate', String(rate))
  const product = await server.product('switch-off')
  await server.crowd(product, devices)
  await server.save(product, '{"interval": 1}')
  const page = await stage.open(server, `/products/${product}`)
  await update(page)
  await begins(page, 'Applied')

  await page.getByRole('switch', { name: 'Remote configuration' }).click()
  const ask = dialog(page, 'Turn off remote configuration?')
  await ask.getByText('Push 1, which is running, stops; devices that were not told yet will not be.').waitFor()
  await button(ask, 'Turn off').click()
  await page.getByText('Remote configuration is off').waitFor()
  const push = await server.lastPush(product)
  assert.equal(push.state, 'stopped', 'the push ends with the switch')
  assert(push.pending > 0, `there are devices that were not told yet: ${JSON.stringify(push)}`)
  await page.getByText('Stopped', { exact: true }).waitFor()
  await page.getByText(`Ended: ${push.reason}`).waitFor()
  assert.match(push.reason, /switched off/, 'the push says why it ended')
  await reaches(page, 'Pending', push.pending)

  // In the two seconds that another product's second hundred takes, these would have had theirs.
  const other = await server.product('meanwhile')
  await server.crowd(other, others)
  await server.save(other, '{"interval": 1}')
  await server.ask('POST', `/products/${other}/pushes`, {})
  await eventually('another product\'s push is through', async () => (await server.lastPush(other)).state === 'completed')
  assert.equal((await server.lastPush(product)).pending, push.pending, 'nobody is told after the switch went off')
}
