import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { App as Kit, ConfigProvider } from 'antd'
import enUS from 'antd/es/locale/en_US'
import zhCN from 'antd/es/locale/zh_CN'
import { LanguageProvider } from '../i18n/language'
import { nonce } from './nonce'
import { PreferencesProvider, usePreferences } from './preferences'
import { queryClient } from './queries'
import { router } from './router'
import { SessionGate } from './SessionGate'
import { themes } from './theme'

export function App() {
  return (
    <PreferencesProvider>
      <LanguageProvider>
        <QueryClientProvider client={queryClient}>
          <Themed />
        </QueryClientProvider>
      </LanguageProvider>
    </PreferencesProvider>
  )
}

function Themed() {
  const { language, appearance } = usePreferences()
  return (
    <ConfigProvider csp={{ nonce }} locale={language === 'zh' ? zhCN : enUS} theme={themes[appearance]} componentSize="middle" button={{ autoInsertSpace: false }}>
      <Kit component={false}>
        <SessionGate>
          <RouterProvider router={router} />
        </SessionGate>
      </Kit>
    </ConfigProvider>
  )
}
