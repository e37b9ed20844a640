import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { button, dialog } from '../screen.mjs'

/** Devices are added by the one, by the number and from a CSV; their secrets are shown once, or kept in a CSV. */
export default async function devices(stage) {
  const server = stage.shared
  const product = await server.product('devices')
  const page = await stage.open(server, `/products/${product}/devices`)
  const add = dialog(page, 'Add devices')

  await button(page, 'Add devices').click()
  await add.getByLabel('DeviceName', { exact: true }).fill('meter-0001')
  await button(add, 'OK').click()
  const one = dialog(page, '1 device was added')
  await one.getByText('DeviceSecret').waitFor()
  await button(one, 'Close').last().click()

  await button(page, 'Add devices').click()
  await add.getByText('Many', { exact: true }).click()
  await add.getByLabel('Prefix').fill('valve-')
  await add.getByLabel('How many').fill('60')
  await button(add, 'OK').click()
  const many = dialog(page, '60 devices were added')
  const names = await kept(page, many)
  assert.deepEqual([names.length, names[0], names.at(-1)], [60, 'valve-000001', 'valve-000060'], 'the devices of the CSV')

  await button(page, 'Add devices').click()
  await add.getByText('From a CSV', { exact: true }).click()
  const choosing = page.waitForEvent('filechooser')
  await button(add, 'Choose a file').click()
  await (await choosing).setFiles({ name: 'names.csv', mimeType: 'text/csv', buffer: Buffer.from('DeviceName\npump-1\npump-2\n') })
  await button(add, 'OK').click()
  assert.deepEqual(await kept(page, dialog(page, '2 devices were added')), ['pump-1', 'pump-2'], 'the devices of the CSV')

  await page.getByRole('searchbox', { name: 'Name begins with' }).fill('meter')
  await page.keyboard.press('Enter')
  await page.getByRole('link', { name: 'pump-1' }).waitFor({ state: 'hidden' })
  await page.getByRole('link', { name: 'meter-0001' }).click()
  await page.getByText('Nothing was pushed to this product yet').waitFor()
}

/** kept downloads the credentials from a dialog, which closes only then, and gives the names. */
async function kept(page, added) {
  assert(await button(added, 'Close').last().isDisabled(), 'secrets cannot be left without keeping them')
  const downloading = page.waitForEvent('download')
  await button(added, 'Download the credentials (CSV)').click()
  const text = await readFile(await (await downloading).path(), 'utf8')
  await button(added, 'Close').last().click()
  await added.waitFor({ state: 'hidden' })
  const [, ...rows] = text.trim().split(/\r?\n/)
  return rows.map((row) => row.split(',')[1])
}
