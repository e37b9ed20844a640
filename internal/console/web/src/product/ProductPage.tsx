import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { Tabs, Typography } from 'antd'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Failure } from '../shared/Failure'
import { PageTitle } from '../shared/PageTitle'

const tabs = ['config', 'devices', 'pushes', 'certificates', 'settings'] as const

/** ProductPage is what stays around the pages of one product. */
export function ProductPage({ product }: { product: string }) {
  const { t } = useWords()
  const navigate = useNavigate()
  const { data: p, error, refetch } = useQuery({ ...queries.product(product), refetchInterval: 10_000 })
  const instance = useQuery({ ...queries.instance(p?.instance ?? ''), enabled: !!p })
  const here = useRouterState({ select: (s) => tabs.find((tab) => s.location.pathname.split('/')[3] === tab) ?? 'config' })
  if (error && !p) return <Failure error={error} retry={refetch} />
  const trail = [
    <Link key="all" to="/">{t('overview.title')}</Link>,
    <Link key="in" to="/instances/$instance" params={{ instance: p?.instance ?? 'default' }}>{instance.data?.name ?? p?.instance}</Link>,
  ]
  const go = (tab: string) => navigate({ to: tab === 'config' ? '/products/$productKey' : `/products/$productKey/${tab as 'devices'}`, params: { productKey: product } })
  return (
    <>
      <PageTitle title={p?.name ?? product} trail={trail} aside={<Typography.Text code copyable>{product}</Typography.Text>} />
      <Tabs activeKey={here} onTabClick={go} items={tabs.map((key) => ({ key, label: t(`product.tab.${key}`) }))} />
      <Outlet key={product} />
    </>
  )
}
