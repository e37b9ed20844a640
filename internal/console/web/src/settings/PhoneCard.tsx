import { useMutation, useQueryClient } from '@tanstack/react-query'
import { App, Button, Card, Flex, Form, Input, Space, Typography } from 'antd'
import { useState } from 'react'
import { api, type Account } from '../api/api'
import type { Challenge } from '../api/http'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Failure } from '../shared/Failure'
import { useConfirm } from '../shared/useConfirm'
import { CodeDialog } from '../verification/CodeDialog'
import { bare, isPhone } from './phone'

type Fields = { phone: string }

/** PhoneCard sets where one's own codes are sent: the new number is proven by a code first. */
export function PhoneCard({ account }: { account: Account }) {
  const { t } = useWords()
  const { message } = App.useApp()
  const client = useQueryClient()
  const confirm = useConfirm()
  const [form] = Form.useForm<Fields>()
  const [challenge, setChallenge] = useState<Challenge>()
  const changed = () => {
    form.resetFields()
    setChallenge(undefined)
    void client.invalidateQueries(queries.me)
    void message.success(t('do.saved'))
  }
  const set = useMutation({
    mutationFn: ({ phone }: Fields) => api.setPhone(bare(phone)),
    onSuccess: (answer) => (answer.challenge ? setChallenge(answer.challenge) : changed()),
  })
  const remove = () => confirm({ title: t('phone.removeAsk'), okText: t('do.remove'), danger: true, onOk: () => set.mutate({ phone: '' }) })
  return (
    <Card title={t('phone.title')}>
      <Flex vertical gap="middle">
        <Typography.Text type="secondary">{t('phone.hint')}</Typography.Text>
        {set.error && <Failure error={set.error} />}
        <Flex gap="small" align="center" wrap>
          <Typography.Text>{account.phone ? t('phone.is', { phone: account.phone }) : t('phone.none')}</Typography.Text>
          {account.phone && <Button type="link" danger size="small" loading={set.isPending && set.variables.phone === ''} onClick={remove}>{t('phone.remove')}</Button>}
        </Flex>
        <Form<Fields> form={form} layout="vertical" onFinish={set.mutate}>
          <Form.Item label={t(account.phone ? 'phone.other' : 'phone.new')} htmlFor="phone" extra={t('phone.format')} style={{ marginBottom: 0 }}>
            <Space.Compact block>
              <Form.Item name="phone" noStyle rules={[{ required: true, message: t('form.required') }, { validator: (_, value) => (!value || isPhone(value) ? Promise.resolve() : Promise.reject(new Error(t('phone.format')))) }]}>
                <Input id="phone" type="tel" autoComplete="tel" maxLength={32} />
              </Form.Item>
              <Button htmlType="submit" loading={set.isPending && set.variables.phone !== ''}>{t('phone.send')}</Button>
            </Space.Compact>
          </Form.Item>
        </Form>
      </Flex>
      {challenge && (
        <CodeDialog key={challenge.challengeId} title={t('phone.prove')} challenge={challenge} onPassed={changed} onClose={() => setChallenge(undefined)}>
          <Typography.Text>{t('phone.proveHint')}</Typography.Text>
        </CodeDialog>
      )}
    </Card>
  )
}
