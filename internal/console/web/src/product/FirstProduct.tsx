import { Button, Card, Empty } from 'antd'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'

/** FirstProduct leads from an empty installation to the first device. */
export function FirstProduct({ onAdd }: { onAdd: () => void }) {
  const { t } = useWords()
  return (
    <Card>
      <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t('product.first')}>
        <Allowed least="editor">
          {(disabled) => <Button type="primary" disabled={disabled} onClick={onAdd}>{t('product.add')}</Button>}
        </Allowed>
      </Empty>
    </Card>
  )
}
