'use strict';

// A device in the field: a stock SDK, driven line by line by a test.
//
//   node device.js SDK HOST PORT PRODUCT_KEY DEVICE_NAME DEVICE_SECRET
//
// SDK is alibabacloud-iot-device-sdk or aliyun-iot-device-sdk. The environment
// may say COTA_E2E_SCHEME (mqtt when unset, or mqtts, ws, wss), COTA_E2E_PATH of a
// WebSocket (none when unset, as in the vendor's addresses) and
// COTA_E2E_DOWNLOAD=off, after which links are fetched only when told to.
//
// What happens is written to stdout, one JSON object a line:
//
//   {"event":"connect"}                       again after every reconnection
//   {"event":"get_reply","payload":{..}}      what getConfig called back with
//   {"event":"push","payload":{..}}           what onConfig called back with
//   {"event":"downloaded","url","status","size","sha256","ok"}
//   {"event":"error","message"[,"code"]}      code: of a refused CONNECT
//   {"event":"close"}
//
// ok: status 200, and size and SHA-256 are those that the message named.
//
// Commands come on stdin, one a line: get, download (the last link again),
// quit. The end of stdin means quit.

const crypto = require('crypto');
const http = require('http');
const https = require('https');
const readline = require('readline');

const sdks = ['alibabacloud-iot-device-sdk', 'aliyun-iot-device-sdk'];
const [sdk, host, port, productKey, deviceName, deviceSecret] = process.argv.slice(2);
if (!sdks.includes(sdk) || !deviceSecret) {
  console.error('usage: node device.js SDK HOST PORT PRODUCT_KEY DEVICE_NAME DEVICE_SECRET');
  process.exit(2);
}
const scheme = process.env.COTA_E2E_SCHEME || 'mqtt';
const downloads = process.env.COTA_E2E_DOWNLOAD !== 'off';

function fact(event, more) {
  process.stdout.write(JSON.stringify({ event, ...more }) + '\n');
}

function fail(err) {
  fact('error', { message: err.message, code: err.code });
}

// The SDK swallows what its callbacks throw.
function guard(callback) {
  return (...args) => {
    try {
      callback(...args);
    } catch (err) {
      fail(err);
    }
  };
}

let last; // the file that the last message offered

// offered takes the data of a get_reply or the params of a push.
function offered(file) {
  if (!file || !file.url) return;
  last = file;
  if (downloads) download(file);
}

function download({ url, sign, configSize }) {
  const client = url.startsWith('https:') ? https : http;
  const request = client.get(url, { agent: false, timeout: 10000 }, (response) => {
    const digest = crypto.createHash('sha256');
    let size = 0;
    response.on('data', (chunk) => {
      digest.update(chunk);
      size += chunk.length;
    });
    response.on('error', fail);
    response.on('end', () => {
      const status = response.statusCode;
      const sha256 = digest.digest('hex');
      const ok = status === 200 && size === configSize && sha256 === sign;
      fact('downloaded', { url, status, size, sha256, ok });
    });
  });
  request.on('timeout', () => request.destroy(new Error(`download ${url}: timeout`)));
  request.on('error', fail);
}

const broker = `${scheme}://${host}:${port}${process.env.COTA_E2E_PATH || ''}`;
const device = require(sdk).device({ productKey, deviceName, deviceSecret, brokerUrl: broker });

// The SDK hands on the arguments of an event as one array.
device.on('connect', () => fact('connect'));
device.on('close', () => fact('close'));
device.on('error', ([err]) => fail(err));

// Only the newer SDK listens to pushes.
if (device.onConfig) {
  device.onConfig(guard((payload) => {
    fact('push', { payload });
    offered(payload.params);
  }));
}

const commands = {
  get() {
    device.getConfig(guard((payload) => {
      fact('get_reply', { payload });
      offered(payload.data);
    }));
  },
  download() {
    if (!last) throw new Error('download: no link yet');
    download(last);
  },
  quit() {
    device.end(false, () => process.exit(0));
    setTimeout(() => process.exit(0), 2000);
  },
};

readline.createInterface({ input: process.stdin })
  .on('line', guard((line) => {
    const command = commands[line.trim()];
    if (!command) throw new Error(`no such command: ${line}`);
    command();
  }))
  .on('close', commands.quit);

process.on('uncaughtException', (err) => {
  fail(err);
  process.exit(1);
});
