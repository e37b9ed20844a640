import { Skeleton } from 'antd'
import { lazy, Suspense, type ComponentProps, type ReactNode } from 'react'

// The editor is half as large as all the rest: it is loaded when it is shown.
const Loaded = lazy(() => import('./editor/Editor'))
const LoadedDiff = lazy(() => import('./editor/Diff'))

export function Editor(props: ComponentProps<typeof Loaded>) {
  return <Suspense fallback={<Skeleton active paragraph={{ rows: 8 }} />}><Loaded {...props} /></Suspense>
}

export function Diff(props: ComponentProps<typeof LoadedDiff>) {
  return <DiffSpace><Suspense fallback={<Coming />}><LoadedDiff {...props} /></Suspense></DiffSpace>
}

/** DiffSpace is as high before a diff is there as it is with it, so that the buttons below stay where they are. */
export function DiffSpace({ children = <Coming /> }: { children?: ReactNode }) {
  return <div style={{ height: '48vh', minHeight: 200, overflow: 'hidden' }}>{children}</div>
}

function Coming() {
  return <Skeleton active paragraph={{ rows: 6 }} />
}
