// An operator's day in a browser, against a real server with simulated devices: npm run e2e
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { browse, crowd, missing, password, program, serve, signIn, until } from './server.mjs'

const why = missing()
if (why) {
  console.log(why)
  process.exit(1)
}
const devices = 60
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const server = await serve()
const browser = await browse()
let passed = 0
let failed = 0
let stopCrowd = () => {}

/** step runs one part of the day. Those after a failed one run too: each says what it needs. */
async function step(name, run) {
  if (process.env.STOP_AT_FAILURE && failed > 0) return
  try {
    await run()
    passed++
    console.log(`ok    ${name}`)
  } catch (error) {
    failed++
    console.log(`FAIL  ${name}\n${error.stack ?? error}`)
    await page.screenshot({ path: `/tmp/console-fail-${failed}.png` }).catch(() => {})
  }
}

const barriers = []

/** accessible notes what axe-core finds serious. */
async function accessible(on, name) {
  await on.waitForTimeout(400) // what fades in has arrived
  await on.evaluate(axe)
  const { violations } = await on.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }))
  const serious = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')
  for (const v of serious) {
    for (const n of v.nodes.slice(0, 4)) barriers.push(`${name}: ${v.id}: ${n.html.slice(0, 160)} ${n.any[0]?.message ?? ''}`)
  }
}

const page = await browser.open(server.url)
page.setDefaultTimeout(8_000)
// antd's icons add their own names: "save Save".
const button = (name, on = page) => on.getByRole('button', { name: new RegExp(`^([a-z-]+ )?${name}$`) })
const dialog = (name) => page.getByRole('dialog', { name })
const editor = page.locator('.cm-content[contenteditable=true]').first()
const write = async (text) => {
  await editor.click()
  await page.keyboard.press('ControlOrMeta+a')
  await page.keyboard.insertText(text)
}
const count = async (rung) => Number(await page.locator(`[data-rung=${rung}]`).getAttribute('data-count'))
const ask = await program(server.url)
let product

await step('a wrong password is refused', async () => {
  await page.getByLabel('Account').fill('admin')
  await page.getByLabel('Password', { exact: true }).fill('not the password')
  await button('Sign in').click()
  await page.getByText('Not signed in, or a wrong password').waitFor()
  await accessible(page, 'sign-in')
})

await step('sign in', async () => {
  await signIn(page)
  await page.getByRole('heading', { name: 'All environments' }).waitFor()
})

await step('the first load is under 450 kB', async () => {
  const fresh = await browser.open(server.url, { storageState: await page.context().storageState() })
  await fresh.getByRole('heading', { name: 'All environments' }).waitFor()
  await fresh.waitForLoadState('networkidle')
  const sizes = await fresh.evaluate(() => performance.getEntriesByType('resource').map((r) => r.encodedBodySize))
  const sum = sizes.reduce((a, b) => a + b, 0)
  console.log(`      ${Math.round(sum / 1000)} kB in ${sizes.length} files`)
  if (sum > 450_000 || sum === 0) throw new Error(`it is ${sum} bytes`)
  await fresh.context().close()
})

await step('an empty installation leads to the first device', async () => {
  await accessible(page, 'overview')
  await button('Create product').click()
  await page.getByLabel('Product name').fill('smart-meter')
  await button('OK').click()
  await page.getByText('ProductSecret').waitFor()
  await button('Open the product').click()
  await page.getByText('Connect your first device').waitFor()
  product = page.url().split('/').pop()
  await page.getByText(`cota sim -n 10 -p ${product}`).first().waitFor()
  await accessible(page, 'new product')
})

await step('turn remote configuration on', async () => {
  stopCrowd = await crowd(server, ask, product, devices, '--apply-min', '200ms', '--apply-max', '2s')
  await page.getByRole('switch').click()
  await page.getByText('Remote configuration is on').waitFor()
})

await step('an error shows where it is, and cannot be saved', async () => {
  await write('{\n  "a": 1,\n  "a": 2\n}')
  await page.getByText('Line 3, column 3:').waitFor()
  if (await button('Save').isEnabled()) throw new Error('Save is enabled; want disabled')
})

await step('leaving with unsaved text asks', async () => {
  await page.getByRole('tab', { name: 'Devices' }).click()
  await dialog('Leave with unsaved changes?').waitFor()
  await button('Stay').click()
  await page.getByText('Line 3, column 3:').waitFor()
})

await step('save a template', async () => {
  await write('{"interval": 60}')
  await button('Format').click()
  await button('Save').click()
  await page.getByLabel('Note').fill('first template')
  await accessible(page, 'save dialog')
  await button('Confirm').click()
  await page.getByText('Saved as version 1').waitFor()
  const saved = await ask('GET', `/products/${product}/config/versions/1`)
  if (saved.content !== '{\n  "interval": 60\n}') throw new Error(`version 1 is ${JSON.stringify(saved.content)}`)
})

await step('Batch Update reaches every device, in place', async () => {
  await button('Batch Update').click()
  await page.getByText('The rules allow this update now.').waitFor()
  await accessible(page, 'confirm update')
  await dialog('Confirm Update').getByRole('button', { name: 'Confirm Update' }).click()
  let moves = 0
  let last = -1
  await until('every device applied', async () => {
    const n = await count('applied').catch(() => -1)
    if (n > last && n >= 0) [moves, last] = [moves + 1, n]
    return n === devices
  })
  if (moves < 3) throw new Error(`saw ${moves} different counts; want movement`)
  await page.getByText('Completed').first().waitFor()
  const push = (await ask('GET', `/products/${product}/config`)).lastPush
  for (const rung of ['pending', 'sent', 'received', 'fetched', 'applied', 'failed']) {
    if ((await count(rung)) !== push[rung]) throw new Error(`${rung}: page ${await count(rung)}, API ${push[rung]}`)
  }
  await accessible(page, 'configuration')
})

await step('the rules say why not, with a count-down', async () => {
  await button('Batch Update').click()
  await page.getByText('Version 1 was pushed before. Save a new version first.').waitFor()
  await dialog('Confirm Update').getByRole('button', { name: 'Cancel' }).click()
  await ask('POST', `/products/${product}/config/versions`, { content: '{"interval": 61}', note: 'by a program' })
  await until('the editor follows', async () => (await editor.innerText()).includes('61'), 15_000)
  await button('Batch Update').click()
  await page.getByText('The last push of this product was too recent.').waitFor()
  await page.getByText(/00:59:\d\d/).waitFor()
  await dialog('Confirm Update').getByRole('button', { name: 'Cancel' }).click()
})

await step('a save in between shows both texts and loses nothing', async () => {
  await write('{"interval": 99}')
  await ask('POST', `/products/${product}/config/versions`, { content: '{"interval": 62}', note: 'in between' })
  await button('Save').click()
  await button('Confirm').click()
  await dialog('Somebody else saved in between').waitFor()
  await page.getByText('Version 3 by admin').waitFor()
  await accessible(page, 'conflict')
  await button('Save over version 3').click()
  await page.getByText('Saved as version 4').waitFor()
  const saved = await ask('GET', `/products/${product}/config/versions/4`)
  if (saved.content !== '{"interval": 99}') throw new Error(`version 4 is ${saved.content}`)
})

await step('compare, view and restore versions', async () => {
  await page.getByRole('checkbox', { name: 'Version 1' }).check()
  await page.getByRole('checkbox', { name: 'Version 4' }).check()
  await button('Compare').click()
  await dialog('Compare').locator('.cm-mergeView').waitFor()
  await dialog('Compare').getByRole('button', { name: 'Close' }).last().click()
  await page.getByRole('row', { name: 'first template' }).getByRole('button', { name: 'Restore to This Version' }).click()
  await until('the editor holds version 1', async () => (await editor.innerText()).includes('"interval": 60'))
})

await step('a session that ends keeps the text', async () => {
  await page.context().clearCookies()
  await dialog(/Your session has ended/).waitFor({ timeout: 15_000 })
  await page.getByLabel('Password', { exact: true }).fill(password)
  await button('Sign in').click()
  await dialog(/Your session has ended/).waitFor({ state: 'hidden' })
  if (!(await editor.innerText()).includes('"interval": 60')) throw new Error('the text is lost')
  await button('Discard changes').click()
})

await step('a push to devices that are off, a server restarted, a stop', async () => {
  await stopCrowd()
  stopCrowd = () => {}
  await ask('PATCH', `/products/${product}/config`, { policy: { cooldownSeconds: 0 } })
  await button('Batch Update').click()
  await page.getByText('The rules allow this update now.').waitFor()
  await dialog('Confirm Update').getByRole('button', { name: 'Confirm Update' }).click()
  await page.getByText('Push 2').first().waitFor()
  await server.stop()
  await page.getByText(/The connection to the server broke off/).waitFor({ timeout: 15_000 })
  await server.start()
  await page.getByText(/The connection to the server broke off/).waitFor({ state: 'hidden', timeout: 20_000 })
  stopCrowd = await crowd(server, ask, product, devices, '--apply-max', '500ms')
  await until('every device applied', async () => (await count('applied').catch(() => -1)) === devices)
})

await step('add devices, look at one', async () => {
  await page.getByRole('tab', { name: 'Devices' }).click()
  await button('Add devices').click()
  await page.getByLabel('DeviceName', { exact: true }).fill('meter-0001')
  await button('OK').click()
  await page.getByText('DeviceSecret').waitFor()
  await button('Close').last().click()
  await page.getByRole('searchbox', { name: 'Name begins with' }).fill('meter')
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'sim-000001' }).waitFor({ state: 'hidden' })
  await accessible(page, 'devices')
  await page.getByRole('link', { name: 'meter-0001' }).click()
  await page.getByText('It is offline. It is offered version 4 as soon as it connects.').waitFor()
  await accessible(page, 'device')
})

await step('pushes, audit and settings', async () => {
  for (const [link, seen] of [['Pushes', '#1'], ['Audit', 'push.start'], ['Settings', 'Current password']]) {
    await page.getByRole('navigation').getByRole('link', { name: link, exact: true }).click()
    await page.getByText(seen).first().waitFor()
    await accessible(page, link)
  }
  await page.getByRole('tab', { name: 'Accounts' }).click()
  await button('Add account').click()
  await page.getByLabel('Account', { exact: true }).fill('vera')
  await page.getByLabel('Password', { exact: true }).fill('vera has a password')
  await button('OK').click()
  await page.getByRole('cell', { name: 'vera' }).waitFor()
})

await step('a viewer sees and cannot act', async () => {
  const other = await browser.open(`${server.url}/products/${product}`)
  await other.getByLabel('Account').fill('vera')
  await other.getByLabel('Password', { exact: true }).fill('vera has a password')
  await button('Sign in', other).click()
  await other.getByText('Version history').waitFor()
  if (await button('Batch Update', other).isEnabled()) throw new Error('Batch Update is enabled for a viewer')
  await button('Batch Update', other).hover({ force: true })
  await other.getByText('This needs the role Publisher.').first().waitFor()
  await other.context().close()
})

await step('in Chinese and dark', async () => {
  await button('Language: English').click()
  await page.getByRole('menuitem', { name: '简体中文' }).click()
  await page.getByRole('button', { name: '切换到深色主题' }).click()
  await page.goto(`${server.url}/products/${product}`)
  await page.getByText('批量更新').first().waitFor()
  await page.getByText('配置模板').first().waitFor()
  await editor.waitFor()
  await accessible(page, 'dark')
})

await step('sign out', async () => {
  await page.getByRole('button', { name: 'admin' }).click()
  await page.getByRole('menuitem', { name: '退出登录' }).click()
  await page.getByRole('heading', { name: '登录 cota' }).waitFor()
})

await step('no screen has a serious barrier', () => {
  if (barriers.length > 0) throw new Error(barriers.join('\n'))
})

await step('no page broke, broke the policy or asked elsewhere', () => {
  const all = [...new Set(browser.problems)]
  if (all.length > 0) throw new Error(all.join('\n'))
})

await stopCrowd()
await browser.close()
await server.end()
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
