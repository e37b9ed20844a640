import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, Outlet, useNavigate, useRouterState } from '@tanstack/react-router'
import { Button, Flex, Layout, Menu, theme, Typography } from 'antd'
import { useState } from 'react'
import { api } from '../api/api'
import { useWords } from '../i18n/language'
import { ApiIcon, AuditIcon, CloudIcon, FoldIcon, SendIcon, SettingsIcon, SignOutIcon, UnfoldIcon, UserIcon } from '../shared/icons'
import { MenuButton } from '../shared/MenuButton'
import { VerificationDialog } from '../verification/VerificationDialog'
import { AppearanceSwitch } from './AppearanceSwitch'
import { LanguageSwitch } from './LanguageSwitch'
import { Logo } from './Logo'
import { queries } from './queries'

/** Shell is what stays around the pages. */
export function Shell() {
  const { t } = useWords()
  const { token } = theme.useToken()
  const [narrow, setNarrow] = useState(false)
  const edge = `1px solid ${token.colorBorderSecondary}`
  return (
    <Layout style={{ minHeight: '100vh' }}>
      <Layout.Sider theme="light" breakpoint="xl" collapsible trigger={null} collapsed={narrow} onCollapse={setNarrow} width={208} collapsedWidth={64}
        style={{ borderInlineEnd: edge, position: 'sticky', insetBlockStart: 0, height: '100vh' }}>
        <Link to="/" aria-label="cota">
          <Flex align="center" gap={10} style={{ height: 56, padding: narrow ? '0 18px' : '0 24px' }}>
            <Logo size={28} />
            {!narrow && <Typography.Text strong style={{ fontSize: 18 }}>cota</Typography.Text>}
          </Flex>
        </Link>
        <nav aria-label={t('app.places')}><Places /></nav>
      </Layout.Sider>
      <Layout>
        <Layout.Header style={{ background: token.colorBgContainer, borderBlockEnd: edge, height: 56, lineHeight: '56px', padding: '0 16px' }}>
          <Flex align="center" gap={4} style={{ height: '100%' }}>
            <Button type="text" icon={narrow ? <UnfoldIcon /> : <FoldIcon />} aria-label={t('app.menu')} aria-expanded={!narrow} onClick={() => setNarrow(!narrow)} />
            <span style={{ flex: 1 }} />
            <LanguageSwitch />
            <AppearanceSwitch />
            <AccountMenu />
          </Flex>
        </Layout.Header>
        <Layout.Content style={{ padding: 24, maxWidth: 1680, width: '100%', marginInline: 'auto' }}>
          <Outlet />
        </Layout.Content>
      </Layout>
      <VerificationDialog />
    </Layout>
  )
}

function Places() {
  const { t } = useWords()
  const path = useRouterState({ select: (s) => s.location.pathname })
  const items = [
    { key: '/', icon: <CloudIcon />, label: <Link to="/">{t('nav.overview')}</Link> },
    { key: '/pushes', icon: <SendIcon />, label: <Link to="/pushes">{t('nav.pushes')}</Link> },
    { key: '/audit', icon: <AuditIcon />, label: <Link to="/audit">{t('nav.audit')}</Link> },
    { key: '/settings', icon: <SettingsIcon />, label: <Link to="/settings">{t('nav.settings')}</Link> },
    { key: '/docs', icon: <ApiIcon />, label: <a href="/docs" target="_blank" rel="noreferrer">{t('nav.docs')}</a> },
  ]
  const here = items.find((i) => i.key !== '/' && path.startsWith(i.key))?.key ?? '/'
  return <Menu mode="inline" tabIndex={-1} items={items} selectedKeys={[here]} style={{ borderInlineEnd: 0 }} />
}

function AccountMenu() {
  const { t } = useWords()
  const { data: me } = useQuery(queries.me)
  const navigate = useNavigate()
  const signOut = useMutation({ mutationFn: api.signOut, onSettled: () => location.assign('/') })
  const items = [
    { key: 'role', type: 'group' as const, label: me && t(`role.${me.role}`) },
    { key: 'settings', icon: <SettingsIcon />, label: t('settings.account'), onClick: () => void navigate({ to: '/settings/account' }) },
    { key: 'out', icon: <SignOutIcon />, label: t('signin.out'), onClick: () => signOut.mutate() },
  ]
  return (
    <MenuButton type="text" icon={<UserIcon />} loading={signOut.isPending} menu={{ items }}>{me?.account.name}</MenuButton>
  )
}
