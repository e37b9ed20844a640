import { ApiOutlined, AuditOutlined, CloudServerOutlined, LogoutOutlined, SendOutlined, SettingOutlined, UserOutlined } from '@ant-design/icons'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, Outlet, useRouterState } from '@tanstack/react-router'
import { Button, Dropdown, Flex, Layout, Menu, theme, Typography } from 'antd'
import { useState } from 'react'
import { api } from '../api/api'
import { useWords } from '../i18n/language'
import { AppearanceSwitch } from './AppearanceSwitch'
import { LanguageSwitch } from './LanguageSwitch'
import { Logo } from './Logo'
import { queries } from './queries'

/** Shell is what stays around the pages. */
export function Shell() {
  const { token } = theme.useToken()
  const [narrow, setNarrow] = useState(false)
  const edge = `1px solid ${token.colorBorderSecondary}`
  return (
    <Layout style={{ minHeight: '100vh' }}>
      <Layout.Sider theme="light" breakpoint="lg" collapsible collapsed={narrow} onCollapse={setNarrow} width={208}
        style={{ borderInlineEnd: edge, position: 'sticky', insetBlockStart: 0, height: '100vh' }}>
        <Link to="/">
          <Flex align="center" gap={10} style={{ height: 56, padding: '0 24px' }}>
            <Logo size={28} />
            {!narrow && <Typography.Text strong style={{ fontSize: 18 }}>cota</Typography.Text>}
          </Flex>
        </Link>
        <nav><Places /></nav>
      </Layout.Sider>
      <Layout>
        <Layout.Header style={{ background: token.colorBgContainer, borderBlockEnd: edge, height: 56, lineHeight: '56px', padding: '0 16px' }}>
          <Flex justify="end" align="center" gap={4} style={{ height: '100%' }}>
            <LanguageSwitch />
            <AppearanceSwitch />
            <AccountMenu />
          </Flex>
        </Layout.Header>
        <Layout.Content style={{ padding: 24, maxWidth: 1680, width: '100%', marginInline: 'auto' }}>
          <Outlet />
        </Layout.Content>
      </Layout>
    </Layout>
  )
}

function Places() {
  const { t } = useWords()
  const path = useRouterState({ select: (s) => s.location.pathname })
  const items = [
    { key: '/', icon: <CloudServerOutlined />, label: <Link to="/">{t('nav.overview')}</Link> },
    { key: '/pushes', icon: <SendOutlined />, label: <Link to="/pushes">{t('nav.pushes')}</Link> },
    { key: '/audit', icon: <AuditOutlined />, label: <Link to="/audit">{t('nav.audit')}</Link> },
    { key: '/settings', icon: <SettingOutlined />, label: <Link to="/settings">{t('nav.settings')}</Link> },
    { key: '/docs', icon: <ApiOutlined />, label: <a href="/docs" target="_blank" rel="noreferrer">{t('nav.docs')}</a> },
  ]
  const here = items.find((i) => i.key !== '/' && path.startsWith(i.key))?.key ?? '/'
  return <Menu mode="inline" items={items} selectedKeys={[here]} style={{ borderInlineEnd: 0 }} />
}

function AccountMenu() {
  const { t } = useWords()
  const { data: me } = useQuery(queries.me)
  const signOut = useMutation({ mutationFn: api.signOut, onSettled: () => location.assign('/') })
  const items = [
    { key: 'role', type: 'group' as const, label: me && t(`role.${me.role}`) },
    { key: 'settings', icon: <SettingOutlined />, label: <Link to="/settings">{t('settings.password')}</Link> },
    { key: 'out', icon: <LogoutOutlined />, label: t('signin.out'), onClick: () => signOut.mutate() },
  ]
  return (
    <Dropdown trigger={['click']} menu={{ items }}>
      <Button type="text" icon={<UserOutlined />} loading={signOut.isPending}>{me?.account.name}</Button>
    </Dropdown>
  )
}
