// What scenarios look for on a screen, by role and name as a reader of the screen has it.

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')

/** button is one with this text. antd's icons add names of their own: "save Save". */
export const button = (within, name) => within.getByRole('button', { name: new RegExp(`^([a-z-]+ )*${escaped(name)}$`) })

export const dialog = (page, name) => page.getByRole('dialog', { name })

/** template is the editor of the Configuration Template. */
export const template = (page, label = 'Configuration Template') => page.getByRole('textbox', { name: label })

/** write replaces the text in an editor. */
export async function write(editor, text) {
  await editor.click()
  await editor.press('ControlOrMeta+a')
  await editor.page().keyboard.insertText(text)
}

/** holds waits until an editor shows a text. */
export const holds = (editor, text) => editor.filter({ hasText: text }).waitFor()

/** rung is the count of devices on a rung of the push that is shown; count: if it is this one, a pattern. */
export const rung = (page, name, count = '[\\d,]+') => page.getByRole('button', { name: new RegExp(`^${name}\\W+${count}(?!\\d|,\\d)`) })

/** reaches waits until so many devices stand on a rung. */
export const reaches = (page, name, n) => rung(page, name, n.toLocaleString('en')).waitFor()

/** begins waits until there are devices on a rung. */
export const begins = (page, name) => rung(page, name, '[1-9][\\d,]*').waitFor()

export const rungs = ['Pending', 'Sent', 'Received', 'Fetched', 'Applied', 'Failed']

/** counts are those that a page shows, named as the API names them. */
export async function counts(page) {
  const all = await Promise.all(rungs.map(async (name) => [name.toLowerCase(), Number(await rung(page, name).getAttribute('data-count'))]))
  return Object.fromEntries(all)
}

/** countsOf are those of a push as the API has it. */
export const countsOf = (push) => Object.fromEntries(rungs.map((name) => [name.toLowerCase(), push[name.toLowerCase()]]))

/** signIn fills in the form. */
export async function signIn(page, account, password, words = { account: 'Account', password: 'Password', go: 'Sign in' }) {
  await page.getByLabel(words.account).fill(account)
  await page.getByLabel(words.password, { exact: true }).fill(password)
  await button(page, words.go).click()
}

/** confirm presses a button of a dialog that shows a diff, once that is there: it moves the button. */
export async function confirm(dialog, name) {
  await dialog.locator('[aria-multiline=true]').first().waitFor()
  await button(dialog, name).click()
}

/** update goes through Batch Update, which the rules must allow. */
export async function update(page) {
  const ask = dialog(page, 'Confirm Update')
  await button(page, 'Batch Update').click()
  await ask.getByText('The rules allow this update now.').waitFor()
  await confirm(ask, 'Confirm Update')
}

/** save goes through Save with a note. */
export async function save(page, note = '') {
  await button(page, 'Save').click()
  await page.getByLabel('Note').fill(note)
  await confirm(dialog(page, 'Confirm'), 'Confirm')
}
