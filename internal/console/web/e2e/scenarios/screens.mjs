import { Inspection } from '../axe.mjs'

/** No page has a barrier that axe-core calls serious or critical, in the light and in the dark theme. */
export default async function screens(stage) {
  const server = stage.shared
  const product = await server.product('screens')
  await server.crowd(product, 20, '--fail', '0.2')
  await server.ask('POST', `/products/${product}/devices`, { deviceName: 'meter-0001' }) // keeps the push running
  await server.save(product, '{"interval": 60}', 'first')
  const push = await server.ask('POST', `/products/${product}/pushes`, {})
  await server.save(product, '{"interval": 61}', 'second')
  const inspection = new Inspection()

  const signIn = await stage.open(server, '/', { account: null })
  await signIn.getByRole('heading', { name: 'Sign in to cota' }).waitFor()
  await inspection.look(signIn, 'sign-in')

  const page = await stage.open(server, '/')
  const link = (name) => page.getByRole('link', { name, exact: true })
  const tab = (name) => page.getByRole('tab', { name, exact: true })
  await link('Default').waitFor()
  await inspection.look(page, 'overview')
  for (const [name, way] of [
    ['products', link('Default')],
    ['configuration', link('screens')],
    ['devices', tab('Devices')],
    ['device', link('sim-000001')],
    ['pushes of a product', tab('Pushes')],
    ['push', link(`#${push.no}`)],
    ['pushes', page.getByRole('navigation').getByRole('link', { name: 'Pushes' })],
    ['audit', link('Audit')],
    ['settings', link('Settings')],
  ]) {
    await way.first().click()
    await page.getByRole('heading', { level: 3, name: /./ }).first().waitFor()
    await inspection.look(page, name)
  }
  for (const name of (await page.getByRole('tab').allInnerTexts()).slice(1)) {
    await tab(name).click()
    await page.getByRole('tab', { name, exact: true, selected: true }).waitFor()
    await inspection.look(page, `settings, ${name}`)
  }
  await page.goto(`${server.url}/products/${product}/settings`)
  await page.getByRole('heading', { level: 3, name: /./ }).first().waitFor()
  await inspection.look(page, 'settings of a product')
  await tab('Device certificates').click()
  await page.getByText('No CA is trusted').waitFor()
  await inspection.look(page, 'certificates without a CA')
  inspection.end()
}
