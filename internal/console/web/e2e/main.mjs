// Plays scenarios by name: those of the command line (npm run e2e -- day
// conflict; none: all), one after the other; or, with --ask, those that come
// line by line on standard input, at once. Each is then answered by a line of
// JSON. That is how console_test.go asks.
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { launch } from './browser.mjs'
import { serve } from './server.mjs'
import { Stage } from './stage.mjs'

const folder = join(import.meta.dirname, 'scenarios')
const browser = await launch()
const shared = await serve()

/** play runs a scenario and gives what went wrong, or nothing. */
async function play(name) {
  const stage = new Stage(name, browser, shared)
  try {
    const { default: scenario } = await import(join(folder, `${name}.mjs`))
    await scenario(stage)
    stage.check()
  } catch (error) {
    return [error.stack ?? String(error), ...await stage.picture(), ...stage.log].join('\n')
  } finally {
    await stage.end()
  }
}

async function asked() {
  const playing = []
  for await (const name of createInterface({ input: process.stdin })) {
    playing.push(play(name).then((failure = '') => console.log(JSON.stringify({ scenario: name, failure }))))
  }
  await Promise.all(playing)
}

async function named(names) {
  for (const name of names) {
    const begin = Date.now()
    const failure = await play(name)
    if (failure) process.exitCode = 1
    console.log(`${failure ? 'FAIL' : 'ok  '}  ${name}  ${((Date.now() - begin) / 1000).toFixed(1)} s${failure ? `\n${failure}` : ''}`)
  }
}

const words = process.argv.slice(2)
try {
  if (words[0] === '--ask') await asked()
  else await named(words.length > 0 ? words : (await readdir(folder)).map((file) => file.replace('.mjs', '')))
} finally {
  await browser.close()
  await shared.end()
}
