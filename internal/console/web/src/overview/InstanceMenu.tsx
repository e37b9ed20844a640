import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Button, Flex, Popconfirm } from 'antd'
import { useState } from 'react'
import { api, type Instance } from '../api/api'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { useFailure } from '../shared/useFailure'
import { InstanceDialog } from './InstanceDialog'

export function InstanceMenu({ instance }: { instance: Instance }) {
  const { t } = useWords()
  const client = useQueryClient()
  const [changing, setChanging] = useState(false)
  const remove = useMutation({
    mutationFn: () => api.removeInstance(instance.id),
    onSuccess: () => client.invalidateQueries({ queryKey: ['instances'] }),
    onError: useFailure(),
  })
  return (
    <Flex gap={4}>
      <Allowed least="admin">
        {(disabled) => <Button type="link" size="small" disabled={disabled} onClick={() => setChanging(true)}>{t('do.edit')}</Button>}
      </Allowed>
      <Allowed least="admin" unless={(instance.id === 'default' && t('instance.isDefault')) || (instance.products > 0 && t('instance.inUse'))}>
        {(disabled) => (
          <Popconfirm title={t('instance.removeAsk', { name: instance.name })} onConfirm={() => remove.mutate()} disabled={disabled}>
            <Button type="link" size="small" danger disabled={disabled} loading={remove.isPending}>{t('do.remove')}</Button>
          </Popconfirm>
        )}
      </Allowed>
      {changing && <InstanceDialog instance={instance} onClose={() => setChanging(false)} />}
    </Flex>
  )
}
