import { Flex, Typography } from 'antd'
import type { ReactNode } from 'react'

/** Pair is a cell of two lines: what counts, and below it what goes with it. */
export function Pair({ first, second }: { first: ReactNode; second: ReactNode }) {
  return (
    <Flex vertical align="start">
      {first}
      <Typography.Text type="secondary" style={{ overflowWrap: 'anywhere' }}>{second}</Typography.Text>
    </Flex>
  )
}
