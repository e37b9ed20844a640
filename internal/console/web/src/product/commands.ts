import type { Me } from '../api/api'

/** commands are lines for a shell that connect devices to a product, and work as they are. door is host:port for devices, origin the address of this page. */
export const commands = {
  token: (me: Me, origin: string) => {
    const who = [me.account.name !== 'admin' && `--account ${me.account.name}`, me.role !== 'admin' && `--role ${me.role}`]
    return `export COTA_TOKEN=$(${['cota token add laptop', ...who, url(origin)].filter(Boolean).join(' ')})`
  },
  sim: (product: string, door: string, origin: string) => [`cota sim -n 10 -p ${product} --server ${door}`, url(origin)].filter(Boolean).join(' '),
  agent: (product: string, device: { deviceName: string; deviceSecret: string }, door: string) =>
    `COTA_DEVICE_SECRET=${device.deviceSecret} cota agent --product-key ${product} --device-name ${device.deviceName} --server mqtt://${door}`,
}

/** url is left out where the command looks by itself. */
function url(origin: string): string {
  return origin === 'http://127.0.0.1:8080' ? '' : `--url ${origin}`
}
