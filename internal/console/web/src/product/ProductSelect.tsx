import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { Select } from 'antd'
import { useEffect, useState } from 'react'
import { api } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'

/** ProductSelect chooses one of any number of products, by name or key. */
export function ProductSelect({ value, onChange }: { value: string | undefined; onChange: (productKey: string | undefined) => void }) {
  const { t } = useWords()
  const [text, setText] = useState('')
  const q = useSettled(text)
  const found = useQuery({
    queryKey: ['products', 'select', q], queryFn: ({ signal }) => api.products({ q, limit: 20 }, signal), placeholderData: keepPreviousData,
  })
  const chosen = useQuery({ ...queries.product(value ?? ''), enabled: value !== undefined })
  const rows = found.data?.rows ?? []
  const all = chosen.data && !text && rows.every((p) => p.productKey !== value) ? [chosen.data, ...rows] : rows
  return (
    <Select allowClear value={value} onChange={onChange} onClear={() => setText('')} placeholder={t('product.one')} aria-label={t('product.one')} style={{ width: 240 }}
      showSearch={{ filterOption: false, onSearch: setText }} loading={found.isFetching} notFoundContent={found.isPending ? null : t('product.noMatch')}
      options={all.map((p) => ({ value: p.productKey, label: p.name, title: p.productKey }))} />
  )
}

/** useSettled is a value that did not change for a moment: so that not every key asks the server. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value.trim()), 250)
    return () => clearTimeout(timer)
  }, [value])
  return settled
}
