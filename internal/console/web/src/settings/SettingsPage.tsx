import { Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { Tabs } from 'antd'
import { useWords } from '../i18n/language'
import { PageTitle } from '../shared/PageTitle'

const tabs = ['account', 'tokens', 'accounts', 'verification'] as const

/** SettingsPage is what stays around the settings of oneself and of the server. */
export function SettingsPage() {
  const { t } = useWords()
  const navigate = useNavigate()
  const here = useRouterState({ select: (s) => tabs.find((tab) => s.location.pathname.split('/')[2] === tab) ?? 'account' })
  return (
    <>
      <PageTitle title={t('nav.settings')} />
      <Tabs activeKey={here} onTabClick={(tab) => void navigate({ to: `/settings/${tab as 'account'}` })}
        items={tabs.map((key) => ({ key, label: t(`settings.${key}`) }))} />
      <Outlet />
    </>
  )
}
