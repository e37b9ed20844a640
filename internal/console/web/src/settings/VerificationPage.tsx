import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { Alert, App, Button, Card, Descriptions, Flex, Form, Skeleton, Switch, Typography } from 'antd'
import { api, verificationLimits, type Verification, type VerificationPolicy } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { Failure } from '../shared/Failure'
import { LimitItem, type Limit } from '../shared/LimitItem'
import { useFailure } from '../shared/useFailure'

const day = 24 * 3600

// The bounds are the server's.
const limits: Record<(typeof verificationLimits)[number], Omit<Limit, 'name'>> = {
  trustSeconds: { min: 60, max: 366 * day, unit: 's' },
  ipv4Bits: { min: 8, max: 32 },
  ipv6Bits: { min: 16, max: 128 },
  codeSeconds: { min: 60, max: 3600, unit: 's' },
  tries: { min: 1, max: 10 },
  resendSeconds: { min: 10, max: 3600, unit: 's' },
  sendsPerHour: { min: 1, max: 60 },
}

/** VerificationPage sets when the server asks for a second proof. */
export function VerificationPage() {
  const { data: v, error, refetch } = useQuery(queries.verification)
  if (!v) return error ? <Failure error={error} retry={refetch} /> : <Skeleton active />
  return (
    <Flex vertical gap="middle" style={{ maxWidth: 720 }}>
      <SwitchCard verification={v} />
      <LimitsCard verification={v} />
    </Flex>
  )
}

function SwitchCard({ verification: v }: { verification: Verification }) {
  const { t } = useWords()
  const client = useQueryClient()
  const turn = useMutation({
    mutationFn: (enabled: boolean) => api.setVerification({ enabled }),
    onSuccess: (fresh) => noteVerification(client, fresh),
    onError: useFailure(),
  })
  const on = v.override ? v.override === 'on' : v.enabled
  return (
    <Card title={t('settings.verification')}>
      <Flex vertical gap="middle">
        <Typography.Text type="secondary">{t('verification.hint')}</Typography.Text>
        {v.override && <Alert type="info" showIcon title={t(`verification.override.${v.override}`)} description={t('verification.overrideHint')} />}
        <Flex align="center" gap="small">
          <Typography.Text id="verification-switch">{t('verification.ask')}</Typography.Text>
          <Allowed least="admin" unless={v.override && t(`verification.override.${v.override}`)}>
            {(disabled) => <Switch checked={on} disabled={disabled} loading={turn.isPending} aria-labelledby="verification-switch" onChange={(enabled) => turn.mutate(enabled)} />}
          </Allowed>
          <Typography.Text strong>{t(on ? 'switch.on' : 'switch.off')}</Typography.Text>
        </Flex>
        <Descriptions size="small" column={1} items={[{ key: 'sender', label: t('verification.sender'), children: t(`verification.sender.${v.sender}`) }]} />
      </Flex>
    </Card>
  )
}

function LimitsCard({ verification: v }: { verification: Verification }) {
  const { t } = useWords()
  const { message } = App.useApp()
  const client = useQueryClient()
  const save = useMutation({
    mutationFn: (policy: VerificationPolicy) => api.setVerification({ policy }),
    onSuccess: (fresh) => {
      noteVerification(client, fresh)
      void message.success(t('do.saved'))
    },
  })
  return (
    <Card title={t('verification.limits')}>
      <Form<VerificationPolicy> layout="vertical" initialValues={v.policy} onFinish={save.mutate}>
        {save.error && <Form.Item><Failure error={save.error} /></Form.Item>}
        {verificationLimits.map((name) => (
          <LimitItem key={name} name={name} {...limits[name]} label={t(`verification.${name}`)} hint={t(`verification.${name}Hint`)} />
        ))}
        <Allowed least="admin">
          {(disabled) => <Button type="primary" htmlType="submit" disabled={disabled} loading={save.isPending}>{t('do.save')}</Button>}
        </Allowed>
      </Form>
    </Card>
  )
}

/** noteVerification shows what is set now. It may have changed whether this browser is trusted. */
function noteVerification(client: ReturnType<typeof useQueryClient>, fresh: Verification): void {
  client.setQueryData(queries.verification.queryKey, fresh)
  void client.invalidateQueries(queries.me)
}
