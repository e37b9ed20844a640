import { createRootRoute, createRoute, createRouter, lazyRouteComponent as lazy } from '@tanstack/react-router'
import { rungs, type DeviceFilter } from '../api/api'
import { Broken } from './Broken'
import { NotFound } from './NotFound'
import { Shell } from './Shell'
import { Waiting } from './Waiting'

// Each page is loaded when it is shown.
const AuditPage = lazy(() => import('../audit/AuditPage'), 'AuditPage')
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

const root = createRootRoute({ component: Shell })
const top = () => root

const overview = createRoute({ getParentRoute: top, path: '/', component: OverviewPage })
const pushes = createRoute({ getParentRoute: top, path: '/pushes', component: PushesPage })
const audit = createRoute({ getParentRoute: top, path: '/audit', component: AuditPage })
const settings = createRoute({ getParentRoute: top, path: '/settings', component: SettingsPage })

const instance = createRoute({
  getParentRoute: top,
  path: '/instances/$instance',
  component: function Instance() {
    const { instance: id } = instance.useParams()
    return <ProductsPage key={id} instance={id} />
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
    prefix: typeof search.prefix === 'string' ? search.prefix : undefined,
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
  component: function Pushes() {
    return <ProductPushes product={pushesOf.useParams().productKey} />
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
    overview, pushes, push, audit, settings, instance,
    product.addChildren([config, devices, device, pushesOf, settingsOf]),
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
