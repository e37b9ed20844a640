import { Breadcrumb, Flex, Typography } from 'antd'
import { useEffect, type ReactNode } from 'react'

type Props = { title: string; trail?: ReactNode[]; extra?: ReactNode; aside?: ReactNode }

/** PageTitle heads a page: where it is, what it is called, what can be done. */
export function PageTitle({ title, trail, extra, aside }: Props) {
  useEffect(() => {
    document.title = `${title} · cota`
  }, [title])
  return (
    <Flex vertical gap={4} style={{ marginBottom: 16 }}>
      {trail && <Breadcrumb items={[...trail, title].map((part) => ({ title: part }))} />}
      <Flex justify="space-between" align="center" gap="middle" wrap>
        <Flex align="center" gap="middle" wrap>
          <Typography.Title level={3} style={{ margin: 0 }}>{title}</Typography.Title>
          {aside}
        </Flex>
        <Flex gap="small" wrap>{extra}</Flex>
      </Flex>
    </Flex>
  )
}
