import { createRootRoute, createRoute, createRouter, lazyRouteComponent as lazy, redirect } from '@tanstack/react-router'
import { pushStates, rungs, type AuditFilter, type DeviceFilter, type PushFilter } from '../api/api'
import { Broken } from './Broken'
import { NotFound } from './NotFound'
import { Shell } from './Shell'
import { Waiting } from './Waiting'

// Each page is loaded when it is shown.
const AccountPage = lazy(() => import('../settings/AccountPage'), 'AccountPage')
const AccountsPage = lazy(() => import('../settings/AccountsPage'), 'AccountsPage')
const AuditPage = lazy(() => import('../audit/AuditPage'), 'AuditPage')
const CertificatesPage = lazy(() => import('../certificate/CertificatesPage'), 'CertificatesPage')
const ConfigPage = lazy(() => import('../config/ConfigPage'), 'ConfigPage')
const DevicePage = lazy(() => import('../device/DevicePage'), 'DevicePage')
const DevicesPage = lazy(() => import('../device/DevicesPage'), 'DevicesPage')
const OverviewPage = lazy(() => import('../overview/OverviewPage'), 'OverviewPage')
const ProductPage = lazy(() => import('../product/ProductPage'), 'ProductPage')
const ProductPushes = lazy(() => import('../push/PushesPage'), 'ProductPushes')
const ProductSettings = lazy(() => import('../product/ProductSettings'), 'ProductSettings')
const ProductsPage = lazy(() => import('../product/ProductsPage'), 'ProductsPage')
const PushPage = lazy(() => import('../push/PushPage'), 'PushPage')
const PushesPage = lazy(() => import('../push/PushesPage'), 'PushesPage')
const SettingsPage = lazy(() => import('../settings/SettingsPage'), 'SettingsPage')
const TokensPage = lazy(() => import('../settings/TokensPage'), 'TokensPage')
const VerificationPage = lazy(() => import('../settings/VerificationPage'), 'VerificationPage')

/** text is what an address gives as a text: a name of digits is read as a number. */
const text = (value: unknown) => (typeof value === 'string' ? value : typeof value === 'number' ? String(value) : undefined)

const root = createRootRoute({ component: Shell })
const top = () => root

const overview = createRoute({ getParentRoute: top, path: '/', component: OverviewPage })
const pushes = createRoute({
  getParentRoute: top,
  path: '/pushes',
  validateSearch: (search): PushFilter => ({ product: text(search.product), state: pushStates.find((s) => s === search.state) }),
  component: function Pushes() {
    const navigate = pushes.useNavigate()
    return <PushesPage filter={pushes.useSearch()} onFilter={(search) => void navigate({ search, replace: true })} />
  },
})
const audit = createRoute({
  getParentRoute: top,
  path: '/audit',
  validateSearch: (search): AuditFilter => ({ actor: text(search.actor), action: text(search.action), product: text(search.product) }),
  component: function Audit() {
    const navigate = audit.useNavigate()
    return <AuditPage filter={audit.useSearch()} onFilter={(search) => void navigate({ search, replace: true })} />
  },
})

const settings = createRoute({ getParentRoute: top, path: '/settings', component: SettingsPage })
const ofSettings = () => settings
const settingsPages = [
  createRoute({ getParentRoute: ofSettings, path: '/', beforeLoad: () => { throw redirect({ to: '/settings/account', replace: true }) } }),
  createRoute({ getParentRoute: ofSettings, path: '/account', component: AccountPage }),
  createRoute({ getParentRoute: ofSettings, path: '/tokens', component: TokensPage }),
  createRoute({ getParentRoute: ofSettings, path: '/accounts', component: AccountsPage }),
  createRoute({ getParentRoute: ofSettings, path: '/verification', component: VerificationPage }),
] as const

const instance = createRoute({
  getParentRoute: top,
  path: '/instances/$instance',
  validateSearch: (search): { q?: string } => ({ q: text(search.q) }),
  component: function Instance() {
    const { instance: id } = instance.useParams()
    const navigate = instance.useNavigate()
    return <ProductsPage key={id} instance={id} search={instance.useSearch().q} onSearch={(q) => void navigate({ search: { q }, replace: true })} />
  },
})
const push = createRoute({
  getParentRoute: top,
  path: '/pushes/$no',
  params: { parse: ({ no }) => ({ no: Number(no) }), stringify: ({ no }) => ({ no: String(no) }) },
  component: function Push() {
    return <PushPage no={push.useParams().no} />
  },
})

const product = createRoute({
  getParentRoute: top,
  path: '/products/$productKey',
  component: function Product() {
    return <ProductPage product={product.useParams().productKey} />
  },
})
const within = () => product
const config = createRoute({
  getParentRoute: within,
  path: '/',
  component: function Config() {
    const { productKey } = config.useParams()
    return <ConfigPage key={productKey} product={productKey} />
  },
})
const devices = createRoute({
  getParentRoute: within,
  path: '/devices',
  validateSearch: (search): DeviceFilter => ({
    prefix: text(search.prefix),
    online: String(search.online) === 'true' ? 'true' : String(search.online) === 'false' ? 'false' : undefined,
    state: rungs.find((r) => r === search.state),
  }),
  component: function Devices() {
    const { productKey } = devices.useParams()
    const navigate = devices.useNavigate()
    return <DevicesPage product={productKey} filter={devices.useSearch()} onFilter={(search) => void navigate({ search, replace: true })} />
  },
})
const device = createRoute({
  getParentRoute: within,
  path: '/devices/$deviceName',
  component: function Device() {
    const { productKey, deviceName } = device.useParams()
    return <DevicePage key={deviceName} product={productKey} device={deviceName} />
  },
})
const pushesOf = createRoute({
  getParentRoute: within,
  path: '/pushes',
  validateSearch: (search): Pick<PushFilter, 'state'> => ({ state: pushStates.find((s) => s === search.state) }),
  component: function Pushes() {
    const navigate = pushesOf.useNavigate()
    return <ProductPushes product={pushesOf.useParams().productKey} filter={pushesOf.useSearch()} onFilter={(search) => void navigate({ search, replace: true })} />
  },
})
const certificates = createRoute({
  getParentRoute: within,
  path: '/certificates',
  component: function Certificates() {
    const { productKey } = certificates.useParams()
    return <CertificatesPage key={productKey} product={productKey} />
  },
})
const settingsOf = createRoute({
  getParentRoute: within,
  path: '/settings',
  component: function Settings() {
    return <ProductSettings product={settingsOf.useParams().productKey} />
  },
})

export const router = createRouter({
  routeTree: root.addChildren([
    overview, pushes, push, audit, settings.addChildren(settingsPages), instance,
    product.addChildren([config, devices, device, pushesOf, certificates, settingsOf]),
  ]),
  defaultNotFoundComponent: NotFound,
  defaultErrorComponent: Broken,
  defaultPendingComponent: Waiting,
  scrollRestoration: true,
})

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router
  }
}
