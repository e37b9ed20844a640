import { useEffect, useState } from 'react'
import { now } from '../api/http'

/** useTick is the server's time, anew every so many milliseconds; null: it stands still. */
export function useTick(every: number | null): number {
  const [time, setTime] = useState(now)
  useEffect(() => {
    if (every === null) return
    const timer = setInterval(() => setTime(now()), every)
    return () => clearInterval(timer)
  }, [every])
  return time
}
