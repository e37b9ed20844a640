// Accessibility as axe-core finds it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** barriers are what axe-core finds serious or critical on a page; rules: those that are looked at, by default all. */
export async function barriers(page, rules) {
  await settled(page)
  if (!await page.evaluate(() => 'axe' in globalThis)) await page.evaluate(source)
  const { violations } = await page.evaluate((only) => globalThis.axe.run(document, {
    resultTypes: ['violations'], ...(only && { runOnly: only }),
  }), rules)
  const found = new Map() // one place of each kind
  for (const v of violations.filter((v) => v.impact === 'serious' || v.impact === 'critical')) {
    for (const n of v.nodes) found.set(`${v.id}: ${n.any[0]?.message ?? v.help}`, n.html.slice(0, 160))
  }
  return [...found].map(([barrier, place]) => `${barrier}: ${place}`)
}

/** Inspection looks at screens in both themes, and remembers where each barrier was met first. */
export class Inspection {
  #found = new Map()

  async look(page, name) {
    const theme = (to) => page.getByRole('button', { name: `Switch to the ${to} theme`, includeHidden: true }).dispatchEvent('click') // a dialog may cover it
    await this.#note(page, name)
    await theme('dark')
    await this.#note(page, `${name}, dark`, ['color-contrast']) // the themes differ in nothing but colours
    await theme('light')
  }

  async #note(page, name, rules) {
    for (const barrier of await barriers(page, rules)) if (!this.#found.has(barrier)) this.#found.set(barrier, name)
  }

  end() {
    assert.deepEqual([...this.#found].map(([barrier, name]) => `${name}: ${barrier}`), [], 'no screen has a serious barrier')
  }
}

/** settled waits until what is loaded is there, and has what moves arrive; what moves for ever does not count. */
export async function settled(page) {
  await page.waitForFunction(() => !document.querySelector('.ant-skeleton, .ant-spin-spinning'))
  await page.evaluate(async () => {
    const moving = () => document.getAnimations().filter((a) => a.playState === 'running' && a.effect.getComputedTiming().endTime !== Infinity)
    const frame = () => new Promise(requestAnimationFrame)
    do {
      for (const animation of moving()) animation.finish()
      await frame()
      await frame()
    } while (moving().length > 0)
  })
}
