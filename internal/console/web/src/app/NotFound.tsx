import { Result } from 'antd'
import { useWords } from '../i18n/language'
import { LinkButton } from '../shared/LinkButton'

export function NotFound() {
  const { t } = useWords()
  return <Result status="404" title={t('code.not_found')} extra={<LinkButton type="primary" to="/">{t('overview.title')}</LinkButton>} />
}
