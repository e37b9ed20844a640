import { Alert, Descriptions, Flex, Typography } from 'antd'
import { useWords } from '../i18n/language'

/** Secrets shows values that the server tells only once, ready to copy. */
export function Secrets({ values }: { values: Record<string, string> }) {
  const { t } = useWords()
  const items = Object.entries(values).map(([label, value]) => ({
    key: label, label, children: <Typography.Text code copyable={{ text: value }}>{value}</Typography.Text>,
  }))
  return (
    <Flex vertical gap="middle">
      <Alert type="warning" showIcon title={t('secret.once')} />
      <Descriptions bordered size="small" column={1} items={items} />
    </Flex>
  )
}
