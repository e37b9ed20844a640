/** isPhone tells whether the server would take a phone number, spaces, brackets and hyphens aside. */
export function isPhone(text: string): boolean {
  return /^\+?\d{5,15}$/.test(bare(text))
}

/** bare is a phone number without what people write into it to read it better. */
export function bare(text: string): string {
  return text.replace(/[\s()-]/g, '')
}
