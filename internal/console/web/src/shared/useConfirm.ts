import { App } from 'antd'

type Question = { title: string; okText: string; danger?: boolean; onOk: () => void }

/**
 * useConfirm gives what asks before something is done. It holds the focus and
 * gives it back, which a pop-up beside a button does not. What is confirmed is
 * done once the question has gone, for that may bring up a dialog of its own.
 */
export function useConfirm(): (question: Question) => void {
  const { modal } = App.useApp()
  return ({ danger, onOk, ...question }) => {
    let confirmed = false
    modal.confirm({
      ...question, icon: null, okButtonProps: { danger },
      onOk: () => { confirmed = true },
      afterClose: () => { if (confirmed) onOk() },
    })
  }
}
