import { useQuery } from '@tanstack/react-query'
import { Button } from 'antd'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Dialog } from '../shared/Dialog'
import { Failure } from '../shared/Failure'
import { Diff, DiffSpace } from './LazyEditor'

type Props = { product: string; numbers: [older: number, newer: number]; onClose: () => void }

export function CompareDialog({ product, numbers: [older, newer], onClose }: Props) {
  const { t } = useWords()
  const a = useQuery(queries.version(product, older))
  const b = useQuery(queries.version(product, newer))
  const error = a.error ?? b.error
  return (
    <Dialog title={t('version.compare')} width="min(1100px, 94vw)" onCancel={onClose} footer={<Button onClick={onClose}>{t('do.close')}</Button>}>
      {error ? <Failure error={error} retry={() => { void a.refetch(); void b.refetch() }} />
        : !a.data || !b.data ? <DiffSpace />
          : <Diff before={a.data.content ?? ''} after={b.data.content ?? ''} labels={[t('version.title', { n: older }), t('version.title', { n: newer })]} />}
    </Dialog>
  )
}
