import type { ErrorComponentProps } from '@tanstack/react-router'
import { Button, Result } from 'antd'
import { useWords } from '../i18n/language'

/** Broken is shown in place of a page that threw. */
export function Broken({ error, reset }: ErrorComponentProps) {
  const { t } = useWords()
  return <Result status="error" title={t('app.broken')} subTitle={error instanceof Error ? error.message : undefined} extra={<Button onClick={reset}>{t('do.retry')}</Button>} />
}
