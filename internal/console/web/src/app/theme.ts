import { theme, type ThemeConfig } from 'antd'
import type { Appearance } from './preferences'

// antd's own colours, but those of texts dark or light enough to be read by
// everybody: 4.5 to 1 at least (WCAG 2.2, 1.4.3). The e2e test measures it.

// Whether anything is to move is asked once: antd begins the whole page anew
// when it changes, and texts that are not saved would be lost.
const motion = !matchMedia('(prefers-reduced-motion: reduce)').matches

const light: ThemeConfig = {
  algorithm: theme.defaultAlgorithm,
  token: {
    motion,
    colorPrimary: '#0f5fd7',
    colorLink: '#0f5fd7',
    colorInfo: '#0f5fd7',
    colorSuccess: '#2b7a0b',
    colorSuccessBg: '#f0f9eb',
    colorSuccessBorder: '#b7e0a0',
    colorWarning: '#a35200',
    colorWarningBg: '#fff7e6',
    colorWarningBorder: '#ffd591',
    colorError: '#cf1322',
    colorTextTertiary: 'rgba(0, 0, 0, 0.62)',
    colorTextPlaceholder: 'rgba(0, 0, 0, 0.58)',
  },
}

const dark: ThemeConfig = {
  algorithm: theme.darkAlgorithm,
  token: {
    motion,
    colorLink: '#6aa5f5',
    colorInfo: '#6aa5f5',
    colorError: '#ff6b6b',
    colorTextTertiary: 'rgba(255, 255, 255, 0.65)',
    colorTextPlaceholder: 'rgba(255, 255, 255, 0.6)',
  },
  components: {
    Button: { dangerColor: '#141414' },
    Menu: { itemSelectedColor: '#6aa5f5' },
    Table: { rowSelectedBg: '#111f38', rowSelectedHoverBg: '#15284a' },
    Tabs: { itemSelectedColor: '#6aa5f5', itemHoverColor: '#6aa5f5' },
  },
}

export const themes: Record<Appearance, ThemeConfig> = { light, dark }
