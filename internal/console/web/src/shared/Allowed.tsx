import { Tooltip } from 'antd'
import type { ReactNode } from 'react'
import type { Role } from '../api/api'
import { useMay } from '../app/role'
import { useWords } from '../i18n/language'

type Props = {
  least: Role
  /** unless is another reason why the action cannot be done now. */
  unless?: string | false
  children: (disabled: boolean) => ReactNode
}

/** Allowed disables an action that the role may not do, or that cannot be done now, and says why. */
export function Allowed({ least, unless, children }: Props) {
  const { t } = useWords()
  const may = useMay(least)
  const why = may ? unless : t('role.needs', { role: t(`role.${least}`) })
  if (!why) return children(false)
  return (
    <Tooltip title={why}>
      <span tabIndex={0} aria-label={why} role="note">{children(true)}</span>
    </Tooltip>
  )
}
