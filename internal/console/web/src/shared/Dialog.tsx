import { Modal, type ModalProps } from 'antd'
import { useEffect, useState } from 'react'

/**
 * Dialog is a modal that is there as long as it is mounted. When it goes, the
 * focus returns to where it was; antd sees to that only if it is hidden first.
 */
export function Dialog(props: Omit<ModalProps, 'open'>) {
  const [opener] = useState(() => document.activeElement)
  useEffect(() => () => {
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus({ preventScroll: true })
  }, [opener])
  return <Modal {...props} open />
}

/** still makes a dialog appear at once, so that it takes what is typed at once. */
export const still = { transitionName: '', maskTransitionName: '' }
