import { Button, Dropdown, type ButtonProps, type MenuProps } from 'antd'
import { useRef } from 'react'

/** MenuButton opens a menu. The focus goes into it and, when it closes, back to the button. */
export function MenuButton({ menu, ...button }: Omit<ButtonProps, 'ref'> & { menu: MenuProps }) {
  const opener = useRef<HTMLButtonElement>(null)
  const turned = (open: boolean) => {
    // Later: the menu takes the focus once more when something in it is chosen.
    if (!open && document.activeElement?.closest('[role=menu]')) setTimeout(() => opener.current?.focus())
  }
  return (
    <Dropdown autoFocus trigger={['click']} menu={menu} onOpenChange={turned}>
      <Button ref={opener} aria-haspopup="menu" {...button} />
    </Dropdown>
  )
}
