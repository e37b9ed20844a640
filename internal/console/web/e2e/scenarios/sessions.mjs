import assert from 'node:assert/strict'
import { barriers } from '../axe.mjs'
import { password } from '../server.mjs'
import { button, dialog, signIn } from '../screen.mjs'

/** One sees where else one is signed in, and ends that: one session, and then all others. */
export default async function sessions(stage) {
  const server = stage.shared
  await server.ask('POST', '/accounts', { name: 'sara', role: 'viewer', password })
  const page = await stage.open(server, '/settings/account', { account: 'sara' })
  const elsewhere = await Promise.all(['Firefox/128.0', 'curl/8.5.0'].map(async (userAgent) => {
    const other = await stage.open(server, '/', { account: null, userAgent })
    await signIn(other, 'sara', password)
    await other.getByRole('navigation').waitFor()
    return other
  }))
  await page.reload()
  const card = page.locator('.ant-card', { hasText: 'Where you are signed in' })
  const row = (name) => card.getByRole('row', { name })
  await row('This one').waitFor()
  await row(/^Firefox 127\.0\.0\.1/).waitFor()
  assert.deepEqual(await barriers(page), [], 'the page has no serious barrier')

  await button(row(/^curl/), 'End').click()
  await button(dialog(page, 'End the session of curl from 127.0.0.1?'), 'End').click()
  await row(/^curl/).waitFor({ state: 'detached' })
  await elsewhere[1].goto(`${server.url}/pushes`)
  await elsewhere[1].getByLabel('Account').waitFor() // it must sign in again

  await button(card, 'End all others').click()
  await button(dialog(page, 'End all sessions of yours but this one?'), 'End all others').click()
  await row(/^Firefox/).waitFor({ state: 'detached' })
  await elsewhere[0].goto(`${server.url}/pushes`)
  await elsewhere[0].getByLabel('Account').waitFor()
  await row('This one').waitFor()
  assert.equal(await button(card, 'End all others').isDisabled(), true, 'there are no others')
}
