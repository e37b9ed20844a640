import { Flex, Select } from 'antd'
import { api, pushStates, type PushFilter, type PushState } from '../api/api'
import { useWords } from '../i18n/language'
import { ProductSelect } from '../product/ProductSelect'
import { PageTitle } from '../shared/PageTitle'
import { useKeyset } from '../shared/useKeyset'
import { PushTable } from './PushTable'

const options = { limit: 20, refetchInterval: 3000 }

type Props = { filter: PushFilter; onFilter: (filter: PushFilter) => void }

/** PushesPage lists the pushes of all products. */
export function PushesPage({ filter, onFilter }: Props) {
  const { t } = useWords()
  const pushes = useKeyset(['pushes', filter], (page, signal) => api.pushes({ ...page, ...filter }, signal), options)
  return (
    <>
      <PageTitle title={t('nav.pushes')} />
      <Flex vertical gap="middle">
        <Flex gap="small" wrap>
          <ProductSelect value={filter.product} onChange={(product) => onFilter({ ...filter, product })} />
          <StateSelect value={filter.state} onChange={(state) => onFilter({ ...filter, state })} />
        </Flex>
        <PushTable keyset={pushes} withProduct filtered={!!filter.product || !!filter.state} />
      </Flex>
    </>
  )
}

/** ProductPushes lists the pushes of one product. */
export function ProductPushes({ product, filter, onFilter }: Props & { product: string }) {
  const pushes = useKeyset(['pushes', product, filter], (page, signal) => api.pushesOfProduct(product, { ...page, ...filter }, signal), options)
  return (
    <Flex vertical gap="middle" align="start">
      <StateSelect value={filter.state} onChange={(state) => onFilter({ state })} />
      <div style={{ width: '100%' }}><PushTable keyset={pushes} filtered={!!filter.state} /></div>
    </Flex>
  )
}

function StateSelect({ value, onChange }: { value: PushState | undefined; onChange: (state: PushState | undefined) => void }) {
  const { t } = useWords()
  return (
    <Select allowClear value={value} onChange={onChange} placeholder={t('push.state')} aria-label={t('push.state')} style={{ width: 160 }}
      options={pushStates.map((state) => ({ value: state, label: t(`push.state.${state}`) }))} />
  )
}
