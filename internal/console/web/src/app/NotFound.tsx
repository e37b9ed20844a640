import { Link } from '@tanstack/react-router'
import { Button, Result } from 'antd'
import { useWords } from '../i18n/language'

export function NotFound() {
  const { t } = useWords()
  return <Result status="404" title={t('code.not_found')} extra={<Link to="/"><Button type="primary">{t('overview.title')}</Button></Link>} />
}
