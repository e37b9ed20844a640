// Takes the pictures of the console that the documents show: make shots. It
// needs a font with Chinese characters, such as Debian's fonts-noto-cjk.
import { mkdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { settled } from './axe.mjs'
import { launch } from './browser.mjs'
import { button, confirm, dialog } from './screen.mjs'
import { eventually, password, serve } from './server.mjs'
import { Stage } from './stage.mjs'

const out = process.argv[2]
if (!out) throw new Error('usage: node shots.mjs FOLDER')
const most = 150_000 // bytes of a picture
const devices = 1200 // online
const away = 40

const browser = await launch()
const server = await serve(['--push-rate', '150', '--verification', 'on'])
const stage = new Stage('shots', browser, server)
try {
  await mkdir(out, { recursive: true })
  await play()
  stage.check()
} finally {
  await stage.end()
  await browser.close()
  await server.end()
}

/** shoot takes a picture of a page that stands still. */
async function shoot(page, name) {
  await settled(page)
  await page.evaluate(() => document.activeElement.blur())
  const path = join(out, `${name}.png`)
  await page.screenshot({ path, animations: 'disabled', caret: 'hide' })
  const { size } = await stat(path)
  console.log(`${path}  ${size} bytes`)
  if (size > most) throw new Error(`${path} has ${size} bytes; want at most ${most}`)
}

/** template is what the pictures show being edited, ever more of it. */
function template(n) {
  const settings = { reportSeconds: 60 * n, modes: ['eco', 'boost'], limits: { power: 3.5 * n, alarm: n > 2 }, server: 'mqtt.example.com' }
  return JSON.stringify(settings, null, 2)
}

async function play() {
  await server.ask('POST', '/accounts', { name: 'lin', role: 'publisher', password })
  await server.product('gateway')
  const product = await server.product('smart-meter')
  const crowd = await server.crowd(product, devices, '--fail', '0.03', '--apply-min', '300ms', '--apply-max', '1500ms')
  await server.save(product, template(1), 'first template')
  await server.ask('POST', `/products/${product}/pushes`, {})
  await eventually('the first push is through', async () => (await server.lastPush(product)).state === 'completed')
  await server.ask('POST', `/products/${product}/devices`, { count: away, prefix: 'meter-' })
  await server.save(product, template(2), 'report every two minutes')
  await server.save(product, template(3), 'three minutes do, and an alarm')

  const at = `/products/${product}`
  const look = { viewport: { width: 1280, height: 860 } }
  const light = await stage.open(server, at, look)
  const dark = await stage.open(server, at, { ...look, appearance: 'dark' })
  const chinese = await stage.open(server, at, { ...look, language: 'zh' })
  await Promise.all([light, dark, chinese].map((page) => page.getByRole('textbox').first().waitFor()))

  await light.bringToFront()
  await button(light, 'Batch Update').click()
  const ask = dialog(light, 'Confirm Update')
  await ask.locator('[aria-multiline=true]').first().waitFor()
  await shoot(light, 'update')
  await confirm(ask, 'Confirm Update')
  await dialog(light, 'Verification needed').waitFor()
  await shoot(light, 'verification')
  await dialog(light, 'Verification needed').getByRole('textbox').first().focus()
  await light.keyboard.type(await server.code(1))
  await ask.waitFor({ state: 'hidden' })

  await Promise.all([dark, chinese].map((page) => page.reload())) // they learn of the push at once
  await eventually('half of the devices have applied', async () => (await server.lastPush(product)).applied > devices / 2)
  crowd.pause()
  await eventually('everybody was told', async () => (await server.lastPush(product)).pending === away)
  for (const [page, name] of [[light, 'push'], [dark, 'push-dark'], [chinese, 'push-zh']]) {
    await page.bringToFront()
    await page.locator(`[data-rung=pending][data-count="${away}"]`).waitFor()
    await page.locator('.uplot').waitFor()
    await shoot(page, name)
  }
  crowd.resume()

  await dark.goto(`${server.url}${at}/devices/sim-000007`)
  await dark.getByText('Applied').first().waitFor()
  await shoot(dark, 'device-dark')
}
