import { Skeleton } from 'antd'
import { lazy, Suspense, type ComponentProps } from 'react'

// The editor is half as large as all the rest: it is loaded when it is shown.
const Loaded = lazy(() => import('./editor/Editor'))
const LoadedDiff = lazy(() => import('./editor/Diff'))

export function Editor(props: ComponentProps<typeof Loaded>) {
  return <Suspense fallback={<Skeleton active paragraph={{ rows: 8 }} />}><Loaded {...props} /></Suspense>
}

export function Diff(props: ComponentProps<typeof LoadedDiff>) {
  return <Suspense fallback={<Skeleton active paragraph={{ rows: 6 }} />}><LoadedDiff {...props} /></Suspense>
}
