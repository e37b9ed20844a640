import { Card, Flex, Layout, Typography } from 'antd'
import { useWords } from '../i18n/language'
import { AppearanceSwitch } from './AppearanceSwitch'
import { LanguageSwitch } from './LanguageSwitch'
import { Logo } from './Logo'
import { SignInForm } from './SignInForm'

export function SignInPage() {
  const { t } = useWords()
  return (
    <Layout style={{ minHeight: '100vh' }}>
      <Flex justify="end" gap="small" style={{ padding: 16 }}>
        <LanguageSwitch />
        <AppearanceSwitch />
      </Flex>
      <Flex component="main" vertical align="center" justify="center" flex={1} style={{ padding: '0 16px 15vh' }}>
        <Card style={{ width: '100%', maxWidth: 400 }}>
          <Flex vertical gap="small" align="center" style={{ marginBottom: 24 }}>
            <Logo size={44} />
            <Typography.Title level={3} style={{ margin: 0 }}>{t('signin.title')}</Typography.Title>
            <Typography.Text type="secondary">{t('app.tagline')}</Typography.Text>
          </Flex>
          <SignInForm />
        </Card>
      </Flex>
    </Layout>
  )
}
