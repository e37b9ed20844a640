import { useMutation, useQueryClient } from '@tanstack/react-query'
import { Card, Flex, Switch, Typography } from 'antd'
import { api, type Product, type Registration } from '../api/api'
import { queries } from '../app/queries'
import { useWords } from '../i18n/language'
import { Allowed } from '../shared/Allowed'
import { useFailure } from '../shared/useFailure'

const switches = ['dynamicRegistration', 'withoutPreRegistration'] as const

/** RegistrationCard sets which devices may get a secret by the ProductSecret; nothing, from a server that gives none. */
export function RegistrationCard({ product: p }: { product: Product }) {
  const { t } = useWords()
  const client = useQueryClient()
  const turn = useMutation({
    mutationFn: (change: Partial<Registration>) => api.setRegistration(p.productKey, change),
    onSuccess: (fresh) => client.setQueryData(queries.product(p.productKey).queryKey, fresh),
    onError: useFailure(),
  })
  const known = switches.filter((name) => p[name] !== undefined)
  if (known.length === 0) return null
  return (
    <Card title={t('registration.title')}>
      <Flex vertical gap="middle">
        {known.map((name) => (
          <Flex key={name} vertical gap="small">
            <Flex align="center" gap="small">
              <Typography.Text id={name}>{t(`registration.${name}`)}</Typography.Text>
              <Allowed least="publisher">
                {(disabled) => (
                  <Switch checked={p[name]} disabled={disabled} loading={turn.isPending && name in turn.variables} aria-labelledby={name}
                    onChange={(on) => turn.mutate({ [name]: on })} />
                )}
              </Allowed>
              <Typography.Text strong>{t(p[name] ? 'switch.on' : 'switch.off')}</Typography.Text>
            </Flex>
            <Typography.Text type="secondary">{t(`registration.${name}Hint`)}</Typography.Text>
          </Flex>
        ))}
      </Flex>
    </Card>
  )
}
