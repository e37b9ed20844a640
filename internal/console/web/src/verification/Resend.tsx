import { useMutation } from '@tanstack/react-query'
import { Button, Flex, Typography } from 'antd'
import { api } from '../api/api'
import { hasCode, type Challenge } from '../api/http'
import { useWords } from '../i18n/language'
import { countdown, secondsLeft } from '../shared/countdown'
import { Failure } from '../shared/Failure'
import { useTick } from '../shared/useTick'
import { isSent } from './challenge'

type Props = { challenge: Challenge; onResent: (fresh: Challenge) => void }

/** Resend has another code sent, as soon as the server would send one. */
export function Resend({ challenge, onResent }: Props) {
  const { t } = useWords()
  const resend = useMutation({ mutationFn: () => api.resend(challenge.challengeId), onSuccess: onResent })
  const limited = hasCode(resend.error, 'rate_limited') ? resend.error.until : undefined
  const until = limited ?? challenge.resendAt
  const left = secondsLeft(until, useTick(until ? 1000 : null))
  return (
    <Flex vertical gap="small">
      {resend.error && <Failure error={resend.error} />}
      <Flex align="center" justify="center" gap="small">
        <Button type="link" disabled={left > 0} loading={resend.isPending} onClick={() => resend.mutate()}>
          {left > 0 ? t('verify.resendIn', { time: countdown(left) }) : t(isSent(challenge) ? 'verify.resend' : 'verify.send')}
        </Button>
        <Typography.Text type="secondary" role="status">{resend.isSuccess && t('verify.resent')}</Typography.Text>
      </Flex>
    </Flex>
  )
}
