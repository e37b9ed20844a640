// A gateway in the field: a device that carries others on its own connection,
// over MQTT 3.1.1 as the vendor's documents have it.
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { connect } from 'node:net'

/** Gateway is signed in once open() has returned. */
export class Gateway {
  #socket
  #received = Buffer.alloc(0)
  #waiting = new Map() // who waits for a reply, by its topic

  constructor(address, product, { deviceName, deviceSecret }) {
    Object.assign(this, { address, product, deviceName, deviceSecret })
  }

  async open() {
    const [host, port] = this.address.split(':')
    this.#socket = connect(Number(port), host)
    this.#socket.on('error', () => {}) // of a server that ends: who waits hears of it by close
    await once(this.#socket, 'connect')
    const accepted = this.#wait('connack')
    this.#socket.on('data', (bytes) => this.#read(bytes))
    this.#socket.on('close', () => this.#waiting.forEach(({ fail }) => fail(new Error('the server closed the connection of the gateway'))))
    const password = sign(this.deviceSecret, { clientId: 'gate', deviceName: this.deviceName, productKey: this.product })
    this.#socket.write(packet(0x10, text('MQTT'), Buffer.from([4, 0xc2, 0, 120]),
      text('gate|securemode=3,signmethod=hmacsha256,_ss=1|'), text(`${this.deviceName}&${this.product}`), text(password)))
    const code = (await accepted)[1]
    if (code !== 0) throw new Error(`CONNACK ${code}`)
  }

  /** add puts devices behind the gateway. */
  add = (product, ...devices) => this.#ask(`/sys/${this.product}/${this.deviceName}/thing/topo/add`, devices.map((d) => signed(product, d)))

  /** logIn connects a device that is behind the gateway. */
  logIn = (product, device) => this.#ask(`/ext/session/${this.product}/${this.deviceName}/combine/login`, signed(product, device))

  async leave() {
    this.#socket.end()
    if (!this.#socket.closed) await once(this.#socket, 'close')
  }

  async #ask(topic, params) {
    const replied = this.#wait(`${topic}_reply`)
    this.#socket.write(packet(0x30, text(topic), Buffer.from(JSON.stringify({ id: '1', version: '1.0', params }))))
    const { code, message } = JSON.parse(await replied)
    if (code !== 200) throw new Error(`${topic}: ${code} ${message}`)
  }

  #wait(name) {
    return new Promise((pass, fail) => this.#waiting.set(name, { pass, fail }))
  }

  #read(bytes) {
    this.#received = Buffer.concat([this.#received, bytes])
    for (let whole; (whole = frame(this.#received));) {
      const body = this.#received.subarray(whole.begin, whole.end)
      this.#take(this.#received[0], body)
      this.#received = this.#received.subarray(whole.end)
    }
  }

  #take(first, body) {
    if (first >> 4 === 2) return this.#pass('connack', body)
    if (first >> 4 !== 3) return
    const names = 2 + body.readUInt16BE(0)
    this.#pass(body.toString('utf8', 2, names), body.subarray(names + (first & 6 ? 2 : 0)))
  }

  #pass(name, body) {
    this.#waiting.get(name)?.pass(body)
    this.#waiting.delete(name)
  }
}

/** signed is a device as its gateway names it, with the signature by which it agrees. */
function signed(productKey, { deviceName, deviceSecret }) {
  const what = { clientId: deviceName, deviceName, productKey }
  return { ...what, signMethod: 'hmacsha256', sign: sign(deviceSecret, what) }
}

const sign = (secret, what) => createHmac('sha256', secret).update(Object.entries(what).flat().join('')).digest('hex')

/** text is a string as MQTT has it. */
function text(s) {
  const bytes = Buffer.from(s)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

function packet(first, ...parts) {
  const body = Buffer.concat(parts)
  const head = [first]
  for (let left = body.length; ; left >>= 7) {
    head.push(left > 127 ? (left & 127) | 128 : left)
    if (left <= 127) return Buffer.concat([Buffer.from(head), body])
  }
}

/** frame is where the body of the first packet in some bytes begins and ends, if it is there whole. */
function frame(bytes) {
  let length = 0
  for (let i = 1; i < bytes.length; i++) {
    length += (bytes[i] & 127) << (7 * (i - 1))
    if (bytes[i] < 128) return bytes.length < i + 1 + length ? undefined : { begin: i + 1, end: i + 1 + length }
  }
}
