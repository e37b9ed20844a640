import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { PageTitle } from '../shared/PageTitle'
import { PushCard } from './PushCard'

export function PushPage({ no }: { no: number }) {
  const { t } = useWords()
  const { data: push } = useQuery(queries.push(no))
  const product = useQuery({ ...queries.product(push?.productKey ?? ''), enabled: !!push })
  const trail = [<Link key="all" to="/pushes">{t('nav.pushes')}</Link>]
  if (push) trail.push(<Link key="of" to="/products/$productKey" params={{ productKey: push.productKey }}>{product.data?.name ?? push.productKey}</Link>)
  return (
    <>
      <PageTitle title={t('push.title', { no })} trail={trail} />
      <PushCard key={no} no={no} title={product.data?.name ?? t('push.title', { no })} />
    </>
  )
}
