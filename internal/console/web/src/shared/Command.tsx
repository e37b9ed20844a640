import { Typography } from 'antd'

/** Command is a line for a shell, ready to copy. */
export function Command({ line }: { line: string }) {
  return (
    <Typography.Paragraph copyable={{ text: line }} style={{ marginBottom: 0, fontFamily: 'monospace' }}>
      <Typography.Text code style={{ whiteSpace: 'pre-wrap', wordBreak: 'break-word' }}>{line}</Typography.Text>
    </Typography.Paragraph>
  )
}
