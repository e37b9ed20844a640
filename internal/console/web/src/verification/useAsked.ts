import { useEffect, useState } from 'react'
import { Cancelled, onVerificationRequired, type Problem } from '../api/http'

/** Asked is a change that waits for a second proof. */
export type Asked = { refusal: Problem; pass: () => void; cancel: () => void }

/** useAsked is the change that waits for a second proof now. Others that are refused meanwhile wait for the same one. */
export function useAsked(): Asked | undefined {
  const [asked, setAsked] = useState<Asked>()
  useEffect(() => {
    let waiting: Promise<void> | undefined
    const ask = (refusal: Problem) => new Promise<void>((pass, fail) => setAsked({ refusal, pass, cancel: () => fail(new Cancelled()) }))
    onVerificationRequired((refusal) => {
      waiting ??= ask(refusal).finally(() => {
        waiting = undefined
        setAsked(undefined)
      })
      return waiting
    })
    return () => onVerificationRequired(undefined)
  }, [])
  return asked
}
