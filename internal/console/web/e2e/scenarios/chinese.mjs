import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { password } from '../server.mjs'
import { button, confirm, dialog, reaches, signIn, template, write } from '../screen.mjs'

const devices = 5

/** The day in Chinese: no English text of the console is left on any screen. */
export default async function chinese(stage) {
  const server = stage.shared
  const product = await server.product('smart-meter')
  await server.crowd(product, devices)
  const english = await sentences()
  const page = await stage.open(server, '/', { account: null, language: 'zh' })
  const seen = async () => {
    const text = await page.locator('body').innerText()
    assert.deepEqual(english.filter((s) => text.includes(s)), [], `no English on ${page.url()}`)
  }

  const words = { account: '账号', password: '密码', go: '登录' }
  await page.getByRole('heading', { name: '登录 cota' }).waitFor()
  assert.equal(await page.locator('html').getAttribute('lang'), 'zh-CN', 'the language of the document')
  await seen()
  await signIn(page, 'admin', 'not the password', words)
  await page.getByText('未登录或密码错误').waitFor()
  await signIn(page, 'admin', password, words)
  await page.getByRole('heading', { name: '全部环境' }).waitFor()
  await seen()

  await page.goto(`${server.url}/products/${product}`)
  await write(template(page, '配置模板'), '{"间隔": 60}')
  await seen()
  await button(page, '保存').click()
  await page.getByLabel('备注').fill('第一版')
  await seen()
  await confirm(dialog(page, '确认保存'), '确认')
  await page.getByText('已保存为版本 1').waitFor()
  await button(page, '批量更新').click()
  await confirm(dialog(page, '确认更新'), '确认更新')
  await page.getByText('已完成').first().waitFor()
  await reaches(page, '已生效', devices)
  await seen()
  for (const path of [`/products/${product}/devices`, `/products/${product}/devices/sim-000001`, `/products/${product}/certificates`, `/products/${product}/settings`, '/pushes', '/audit', '/settings']) {
    await page.goto(server.url + path)
    await page.getByRole('heading', { level: 3, name: /./ }).waitFor() // a skeleton has no name
    await seen()
  }
}

/** sentences are the English texts of the console that are longer than a word. */
async function sentences() {
  const source = await readFile(join(import.meta.dirname, '../../src/i18n/en.ts'), 'utf8')
  const texts = [...source.matchAll(/^  '[\w.]+': '(.*)',$/gm)].map(([, text]) => text.replaceAll("\\'", "'"))
  const plain = texts.filter((text) => /\w \w/.test(text) && !text.includes('{'))
  assert(plain.length > 100, 'the texts of the console are found')
  return plain
}
