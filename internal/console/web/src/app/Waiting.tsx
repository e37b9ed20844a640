import { Skeleton } from 'antd'

/** Waiting is shown while a page is loaded. */
export function Waiting() {
  return <Skeleton active paragraph={{ rows: 8 }} />
}
