// Looks at the main screens in both languages, themes and widths: npm run shots [folder]
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { browse, crowd, missing, program, serve, signIn } from './server.mjs'

const out = process.argv[2] ?? '/tmp/console-shots'
if (missing()) throw new Error(missing())
await mkdir(out, { recursive: true })
const server = await serve()
const browser = await browse()
let stop = () => {}
try {
  const ask = await program(server.url)
  const { productKey } = await ask('POST', '/products', { name: 'smart-meter' })
  await ask('POST', '/products', { name: 'gateway' })
  await ask('PATCH', `/products/${productKey}/config`, { enabled: true, policy: { cooldownSeconds: 0 } })
  stop = await crowd(server, ask, productKey, 400, '--fail', '0.03', '--apply-min', '1s', '--apply-max', '8s')
  await ask('POST', `/products/${productKey}/devices`, { deviceNames: ['meter-0001', 'meter-0002'] })
  const template = (n) => JSON.stringify({ reportSeconds: 60 * n, modes: ['eco', 'boost'], limits: { power: 3.5 * n, alarm: n > 1 }, server: 'mqtt.example.com' }, null, 2)
  await ask('POST', `/products/${productKey}/config/versions`, { content: template(1), note: 'first template' })
  await ask('POST', `/products/${productKey}/pushes`, {})
  await new Promise((done) => setTimeout(done, 3000))
  const words = { en: { account: 'Account', password: 'Password', go: 'Sign in' }, zh: { account: '账号', password: '密码', go: '登录' } }
  let n = 1
  for (const [width, height, language, appearance] of [[1280, 900, 'en', 'light'], [1920, 1080, 'zh', 'dark'], [820, 1180, 'en', 'dark'], [1280, 900, 'zh', 'light']]) {
    const page = await browser.open(server.url, { viewport: { width, height }, language, appearance })
    const shoot = async (name, fullPage = false) => {
      await page.waitForTimeout(500)
      await page.screenshot({ path: join(out, `${name}-${width}-${language}-${appearance}.png`), fullPage })
    }
    await page.getByRole('button', { name: words[language].go }).waitFor()
    await shoot('1-signin')
    await signIn(page, words[language])
    await page.getByRole('link', { name: 'default' }).first().waitFor()
    await shoot('2-overview')
    await page.goto(`${server.url}/instances/default`)
    await page.getByRole('link', { name: 'smart-meter' }).waitFor()
    await shoot('3-products')
    n++
    await ask('POST', `/products/${productKey}/config/versions`, { content: template(n), note: 'longer intervals' })
    await page.goto(`${server.url}/products/${productKey}`)
    await page.locator('.cm-content').first().waitFor()
    await page.getByRole('button', { name: /Batch Update|批量更新/ }).click()
    await page.locator('.cm-mergeView').waitFor()
    await shoot('4-confirm-update')
    await page.getByRole('dialog').getByRole('button', { name: /Confirm Update|确认更新/ }).click()
    await page.waitForTimeout(4000)
    await shoot('5-live-push', true)
    await page.getByRole('button', { name: /View|查看/ }).first().click()
    await shoot('6-version')
    await page.keyboard.press('Escape')
    await page.goto(`${server.url}/products/${productKey}/devices`)
    await page.getByRole('link', { name: 'meter-0001' }).waitFor()
    await shoot('7-devices')
    await page.goto(`${server.url}/products/${productKey}/devices/sim-000001`)
    await page.locator('time').first().waitFor()
    await shoot('8-device')
    for (const path of ['pushes', 'audit', 'settings', `products/${productKey}/settings`]) {
      await page.goto(`${server.url}/${path}`)
      await page.locator('h3').first().waitFor()
      await shoot(`9-${path.split('/').pop()}${path.startsWith('products') ? '-product' : ''}`)
    }
    await page.context().close()
    await new Promise((done) => setTimeout(done, 5000))
  }
} finally {
  await stop()
  await browser.close()
  await server.end()
}
for (const p of browser.problems) console.log(p)
