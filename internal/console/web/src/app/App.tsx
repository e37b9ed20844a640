import { QueryClientProvider } from '@tanstack/react-query'
import { RouterProvider } from '@tanstack/react-router'
import { App as Kit, ConfigProvider, type ConfigProviderProps } from 'antd'
import enUS from 'antd/es/locale/en_US'
import zhCN from 'antd/es/locale/zh_CN'
import { LanguageProvider } from '../i18n/language'
import { DownIcon, FailedIcon, InfoIcon, LoadingIcon, SuccessIcon, WarningIcon } from '../shared/icons'
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
    <ConfigProvider csp={{ nonce }} locale={language === 'zh' ? zhCN : enUS} theme={themes[appearance]} componentSize="middle" {...mute}>
      <Kit component={false}>
        <SessionGate>
          <RouterProvider router={router} />
        </SessionGate>
      </Kit>
    </ConfigProvider>
  )
}

/** mute are the icons that antd's components bring along, without the names that antd gives them. */
const mute = {
  alert: { successIcon: <SuccessIcon />, infoIcon: <InfoIcon />, warningIcon: <WarningIcon />, errorIcon: <FailedIcon /> },
  button: { autoInsertSpace: false, loadingIcon: <LoadingIcon /> },
  select: { suffixIcon: <DownIcon /> },
} satisfies ConfigProviderProps
