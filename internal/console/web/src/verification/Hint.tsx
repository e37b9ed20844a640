import { Link } from '@tanstack/react-router'
import { Flex, Typography } from 'antd'
import type { Challenge, Method } from '../api/http'
import { useWords, type Translate } from '../i18n/language'
import { Command } from '../shared/Command'
import { isSent } from './challenge'

type Props = { challenge: Challenge; way: Method; account: string; onLeave: () => void }

/** Hint says where the code of a challenge is to be found. */
export function Hint({ challenge, way, account, onLeave }: Props) {
  const { t } = useWords()
  if (way === 'totp') return <Typography.Text>{t('verify.totpHint')}</Typography.Text>
  if (way === 'sms') return <Typography.Text>{sentTo(challenge, t)}</Typography.Text>
  return (
    <Flex vertical gap="small">
      {challenge.methods.length === 0 && <Typography.Text strong>{t('verify.none')}</Typography.Text>}
      <Typography.Text>{t('verify.recoveryHint')}</Typography.Text>
      <Command line={`cota account recover ${account}`} />
      {challenge.methods.length === 0 && (
        <>
          <Typography.Text>{t('verify.noneAdmin')}</Typography.Text>
          <Typography.Text>{t('verify.noneThen')} <Link to="/settings/account" onClick={onLeave}>{t('settings.account')}</Link></Typography.Text>
        </>
      )}
    </Flex>
  )
}

function sentTo(c: Challenge, t: Translate): string {
  if (c.sender === 'log') return t('verify.logHint')
  return t(isSent(c) ? 'verify.smsHint' : 'verify.smsAsk', { phone: c.phone })
}
