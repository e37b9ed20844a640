import { api } from '../api/api'
import { useWords } from '../i18n/language'
import { PageTitle } from '../shared/PageTitle'
import { useKeyset } from '../shared/useKeyset'
import { PushTable } from './PushTable'

const options = { limit: 20, refetchInterval: 3000 }

/** PushesPage lists the pushes of all products. */
export function PushesPage() {
  const { t } = useWords()
  const pushes = useKeyset(['pushes'], api.pushes, options)
  return (
    <>
      <PageTitle title={t('nav.pushes')} />
      <PushTable keyset={pushes} withProduct />
    </>
  )
}

export function ProductPushes({ product }: { product: string }) {
  const pushes = useKeyset(['pushes', product], (page, signal) => api.pushesOfProduct(product, page, signal), options)
  return <PushTable keyset={pushes} />
}
