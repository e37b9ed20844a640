import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Button, Form, Input, Modal, Typography } from 'antd'
import { useState } from 'react'
import { api, type Push } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { StopIcon } from '../shared/icons'
import { useFailure } from '../shared/useFailure'

export function StopButton({ push }: { push: Push }) {
  const { t } = useWords()
  const client = useQueryClient()
  const [asking, setAsking] = useState(false)
  const [reason, setReason] = useState('')
  const stop = useMutation({
    mutationFn: () => api.stopPush(push.no, reason.trim()),
    onSuccess: (stopped) => {
      client.setQueryData(queries.push(push.no).queryKey, stopped)
      void client.invalidateQueries({ queryKey: ['config', push.productKey] })
    },
    onError: useFailure(),
    onSettled: () => setAsking(false),
  })
  return (
    <>
      <Allowed least="publisher">
        {(disabled) => <Button danger icon={<StopIcon />} disabled={disabled} onClick={() => setAsking(true)}>{t('push.stop')}</Button>}
      </Allowed>
      <Modal open={asking} title={t('push.stopAsk', { no: push.no })} okText={t('push.stop')} okButtonProps={{ danger: true, loading: stop.isPending }}
        onOk={() => stop.mutate()} onCancel={() => setAsking(false)}>
        <Typography.Paragraph>{t('push.stopHint')}</Typography.Paragraph>
        <Form layout="vertical">
          <Form.Item label={t('push.reason')} htmlFor="reason" style={{ marginBottom: 0 }}>
            <Input id="reason" value={reason} onChange={(e) => setReason(e.target.value)} maxLength={500} />
          </Form.Item>
        </Form>
      </Modal>
    </>
  )
}
