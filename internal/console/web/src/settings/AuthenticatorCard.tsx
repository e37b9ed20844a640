import { useMutation, useQueryClient } from '@tanstack/react-query'
import { App, Button, Card, Flex, Tag, Typography } from 'antd'
import { api, type Account } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Failure } from '../shared/Failure'
import { useConfirm } from '../shared/useConfirm'
import { EnrolDialog } from './EnrolDialog'

/** AuthenticatorCard enrols and removes one's own authenticator. */
export function AuthenticatorCard({ account }: { account: Account }) {
  const { t } = useWords()
  const { message } = App.useApp()
  const client = useQueryClient()
  const confirm = useConfirm()
  const changed = () => client.invalidateQueries(queries.me)
  const add = useMutation({ mutationFn: api.addTOTP })
  const remove = useMutation({
    mutationFn: api.removeTOTP,
    onSuccess: () => {
      void changed()
      void message.success(t('totp.removed'))
    },
  })
  const error = add.error ?? remove.error
  return (
    <Card title={t('totp.title')}>
      <Flex vertical gap="middle" align="start">
        <Typography.Text type="secondary">{t('totp.hint')}</Typography.Text>
        {error && <Failure error={error} />}
        <Tag color={account.totp ? 'success' : 'default'}>{t(account.totp ? 'totp.is' : 'totp.none')}</Tag>
        {account.totp ? (
          <Button danger loading={remove.isPending}
            onClick={() => confirm({ title: t('totp.removeAsk'), okText: t('do.remove'), danger: true, onOk: () => remove.mutate() })}>{t('totp.remove')}</Button>
        ) : <Button loading={add.isPending} onClick={() => add.mutate()}>{t('totp.add')}</Button>}
        {add.isSuccess && <EnrolDialog key={add.data.url} secret={add.data.secret} url={add.data.url} onClose={add.reset}
          onDone={() => { add.reset(); void changed(); void message.success(t('totp.added')) }} />}
      </Flex>
    </Card>
  )
}
