import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Button, Flex } from 'antd'
import { useState } from 'react'
import { api, type Instance } from '../api/api'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { useConfirm } from '../shared/useConfirm'
import { useFailure } from '../shared/useFailure'
import { InstanceDialog } from './InstanceDialog'

export function InstanceMenu({ instance }: { instance: Instance }) {
  const { t } = useWords()
  const client = useQueryClient()
  const confirm = useConfirm()
  const [changing, setChanging] = useState(false)
  const remove = useMutation({
    mutationFn: () => api.removeInstance(instance.id),
    onSuccess: () => client.invalidateQueries({ queryKey: ['instances'] }),
    onError: useFailure(),
  })
  const ask = () => confirm({ title: t('instance.removeAsk', { name: instance.name }), okText: t('do.remove'), danger: true, onOk: () => remove.mutate() })
  return (
    <Flex gap={4}>
      <Allowed least="admin">
        {(disabled) => <Button type="link" size="small" disabled={disabled} onClick={() => setChanging(true)}>{t('do.edit')}</Button>}
      </Allowed>
      <Allowed least="admin" unless={(instance.id === 'default' && t('instance.isDefault')) || (instance.products > 0 && t('instance.inUse'))}>
        {(disabled) => <Button type="link" size="small" danger disabled={disabled} loading={remove.isPending} onClick={ask}>{t('do.remove')}</Button>}
      </Allowed>
      {changing && <InstanceDialog instance={instance} onClose={() => setChanging(false)} />}
    </Flex>
  )
}
