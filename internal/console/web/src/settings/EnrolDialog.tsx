import { useMutation } from '@tanstack/react-query'
import { Alert, Flex, Skeleton, Typography } from 'antd'
import { lazy, Suspense, useState } from 'react'
import { api } from '../api/api'
import { hasCode } from '../api/http'
import { useWords } from '../i18n/language'
import { Dialog, still } from '../shared/Dialog'
import { Failure } from '../shared/Failure'
import { CodeInput, isCode } from '../verification/CodeInput'

// Few need it, and once: it is not part of the first load.
const QRCode = lazy(async () => ({ default: (await import('antd/es/qr-code')).default }))

type Props = { secret: string; url: string; onDone: () => void; onClose: () => void }

/** EnrolDialog shows the secret of a new authenticator, this once, and puts it to use by its first code. */
export function EnrolDialog({ secret, url, onDone, onClose }: Props) {
  const { t } = useWords()
  const [code, setCode] = useState('')
  const [open, setOpen] = useState(false)
  const confirm = useMutation({
    mutationFn: api.confirmTOTP,
    onSuccess: onDone,
    onError: (error) => {
      if (hasCode(error, 'code_wrong', 'code_expired')) setCode('')
    },
  })
  return (
    <Dialog title={t('totp.add')} width={480} mask={{ closable: false }} afterOpenChange={setOpen} {...still} onCancel={onClose} okText={t('do.confirm')}
      onOk={() => confirm.mutate(code)} okButtonProps={{ loading: confirm.isPending, disabled: !isCode(code) }}>
      <Flex vertical gap="middle" align="center">
        <Alert type="warning" showIcon title={t('totp.once')} />
        <Typography.Text>{t('totp.scan')}</Typography.Text>
        <Suspense fallback={<Skeleton.Node active style={{ width: size, height: size }} />}>
          {/* Black on white in the dark theme, too: not every scanner reads the inverse. */}
          <QRCode value={url} type="svg" size={size} color="#000" bgColor="#fff" aria-label={t('totp.qr')} role="img" />
        </Suspense>
        <Typography.Text code copyable={{ text: secret }}>{secret.replace(/(.{4})(?=.)/g, '$1 ')}</Typography.Text>
        <Typography.Text>{t('totp.first')}</Typography.Text>
        <CodeInput value={code} ready={open} failed={!!confirm.error} onChange={setCode} onWhole={(whole) => confirm.isPending || confirm.mutate(whole)} />
        <div role="alert">{confirm.error && <Failure error={confirm.error} />}</div>
      </Flex>
    </Dialog>
  )
}

const size = 200
