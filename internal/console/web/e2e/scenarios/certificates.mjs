import assert from 'node:assert/strict'
import { Inspection } from '../axe.mjs'
import { ca, crl, leaf, second } from '../certificates.mjs'
import { button, dialog } from '../screen.mjs'
import { password } from '../server.mjs'

/** CAs are added by their PEM and removed one by one; certificates are revoked by serial numbers or a CRL, and count again. */
export default async function certificates(stage) {
  const server = stage.shared
  const product = await server.product('certificates')
  const at = `/products/${product}`
  const inspection = new Inspection()
  const page = await stage.open(server, `${at}/certificates`)
  const look = async (name) => {
    await page.mouse.move(0, 0) // off the button that was pressed: antd's colours of what is pointed at have less contrast
    await inspection.look(page, name)
  }
  const row = (name) => page.getByRole('row', { name })
  const trusted = async () => (await server.ask('GET', `${at}/ca`)).certificates.map((c) => c.subject).sort()
  const revoked = async () => (await server.ask('GET', `${at}/ca/revoked`)).serials

  await page.getByText('No CA is trusted').waitFor()
  assert(await button(page, 'Revoke certificates').isDisabled(), 'nothing is revoked without a CA')
  const add = dialog(page, 'Add a CA')
  const pem = add.getByLabel('Certificates in PEM')
  const refused = async (text, why) => {
    await pem.fill(text)
    await button(add, 'Trust').click()
    await add.getByText(why).waitFor()
  }
  await button(page, 'Add a CA').focus()
  await page.keyboard.press('Enter')
  await pem.and(page.locator(':focus')).waitFor()
  await refused('my CA', 'There is no certificate in PEM')
  await look('add a CA')
  await refused(ca + leaf.replaceAll('CERTIFICATE', 'EC PRIVATE KEY'), 'This holds a private key')
  await refused(ca.repeat(5), 'more certificates than there is room for: 4')
  await refused(ca + ' '.repeat(65_536), 'Longer than 64 KiB')
  await refused(leaf, 'it has no basic constraint CA:TRUE') // this is the server's
  assert.deepEqual(await trusted(), [], 'what is trusted after refusals')
  await pem.fill(ca)
  await button(add, 'Trust').press('Enter')
  await add.waitFor({ state: 'hidden' })
  await row('CN=Meters CA Serial').getByText('Valid', { exact: true }).waitFor()

  await button(page, 'Add a CA').click()
  const choosing = page.waitForEvent('filechooser')
  await button(add, 'Choose a file').click()
  await (await choosing).setFiles({ name: 'second.pem', mimeType: 'application/x-pem-file', buffer: Buffer.from(second) })
  await button(add, 'Trust').click()
  await row('CN=Meters CA 2').waitFor()
  assert.deepEqual(await trusted(), ['CN=Meters CA', 'CN=Meters CA 2'], 'one more is trusted')

  const revoke = dialog(page, 'Revoke certificates')
  await button(page, 'Revoke certificates').click()
  await revoke.getByLabel('Serial numbers to revoke').fill('2b01 meter-0001')
  await button(revoke, 'Revoke').click()
  await revoke.getByText('meter-0001 is not a serial number in hexadecimal').waitFor()
  await look('revoke')
  await revoke.getByLabel('Serial numbers to revoke').fill('serial=2B01\n00:2B:02')
  await button(revoke, 'Revoke').click()
  await row('2b02').waitFor()
  assert.deepEqual(await revoked(), ['2b01', '2b02'], 'revoked by serial numbers')
  await look('certificates')
  await button(row('2b02'), 'Let it count again').click()
  await button(dialog(page, 'Have certificate 2b02 count again?'), 'Let it count again').click()
  await row('2b02').waitFor({ state: 'hidden' })
  assert.deepEqual(await revoked(), ['2b01'], 'one counts again')

  await button(page, 'Revoke certificates').click()
  await revoke.getByText('List of a CA (CRL)').click()
  await revoke.getByText('This replaces the whole list').waitFor()
  await revoke.getByLabel('List in PEM').fill(ca)
  await button(revoke, 'Revoke').click()
  await revoke.getByText('There is no list in PEM').waitFor()
  await look('revoke by a CRL')
  await revoke.getByLabel('List in PEM').fill(crl)
  await button(revoke, 'Revoke').click()
  await row('3c02').waitFor()
  assert.deepEqual(await revoked(), ['3c01', '3c02'], 'revoked by a CRL')

  await server.ask('POST', '/accounts', { name: 'cora', role: 'publisher', password })
  const publisher = await stage.open(server, `${at}/certificates`, { account: 'cora' })
  await publisher.getByRole('row', { name: '3c01' }).waitFor()
  for (const name of ['Add a CA', 'Revoke certificates', 'Remove', 'Let it count again']) {
    await publisher.getByRole('note', { name: 'This needs the role Administrator.' }).filter({ has: button(publisher, name) }).first().waitFor()
    assert(await button(publisher, name).first().isDisabled(), `${name} is disabled for a publisher`)
  }

  await button(row('CN=Meters CA 2'), 'Remove').click()
  await button(dialog(page, 'Remove CN=Meters CA 2?'), 'Remove').click()
  await row('CN=Meters CA 2').waitFor({ state: 'hidden' })
  assert.deepEqual([await trusted(), await revoked()], [['CN=Meters CA'], ['3c01', '3c02']], 'the other stays, and what is revoked')
  await button(row('CN=Meters CA Serial'), 'Remove').click()
  await button(dialog(page, 'Remove CN=Meters CA, the last one?'), 'Remove').click()
  await page.getByText('No CA is trusted').waitFor()
  await page.getByText('No certificate is revoked').waitFor()
  assert.deepEqual([await trusted(), await revoked()], [[], []], 'nothing is left')
  inspection.end()
}
