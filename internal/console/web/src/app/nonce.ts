/** nonce allows styles that scripts make, under the page's Content-Security-Policy. */
export const nonce = document.querySelector<HTMLMetaElement>('meta[property=csp-nonce]')?.nonce ?? ''

/**
 * markStyles gives the nonce to every style element that a script makes. antd
 * does so itself for its own, but not for those that lock and measure the
 * scroll bar (@rc-component/util, updateCSS without csp).
 */
export function markStyles(): void {
  const create = document.createElement.bind(document)
  document.createElement = ((name: string, options?: ElementCreationOptions) => {
    const element = create(name, options)
    if (element instanceof HTMLStyleElement) element.nonce = nonce
    return element
  }) as typeof document.createElement
}
