import { Alert, Tabs } from 'antd'
import { useMay } from '../app/role'
import { useWords } from '../i18n/language'
import { PageTitle } from '../shared/PageTitle'
import { Accounts } from './Accounts'
import { Password } from './Password'
import { Tokens } from './Tokens'

export function SettingsPage() {
  const { t } = useWords()
  const admin = useMay('admin')
  const accounts = admin ? <Accounts /> : <Alert type="info" showIcon title={t('role.needs', { role: t('role.admin') })} />
  return (
    <>
      <PageTitle title={t('nav.settings')} />
      <Tabs items={[
        { key: 'password', label: t('settings.password'), children: <Password /> },
        { key: 'tokens', label: t('settings.tokens'), children: <Tokens /> },
        { key: 'accounts', label: t('settings.accounts'), children: accounts },
      ]} />
    </>
  )
}
