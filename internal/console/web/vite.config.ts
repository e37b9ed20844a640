import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const out = join(import.meta.dirname, '../dist')

/** compress puts a .br and a .gz beside each file that a browser loads, unless they save next to nothing. */
function compress(): Plugin {
  return {
    name: 'compress',
    apply: 'build',
    closeBundle() {
      const assets = join(out, 'assets')
      for (const name of readdirSync(assets)) {
        const path = join(assets, name)
        const plain = readFileSync(path)
        if (plain.length < 1024) continue
        writeFileSync(path + '.gz', gzipSync(plain, { level: 9 }))
        const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: plain.length }
        writeFileSync(path + '.br', brotliCompressSync(plain, { params }))
      }
    },
  }
}

// The API of a running `cota serve`, for `npm run dev`.
const api = process.env.COTA_URL ?? 'http://127.0.0.1:8080'

export default defineConfig({
  plugins: [react(), compress()],
  html: { cspNonce: '__COTA_NONCE__' }, // nonceMark in ../page.go
  build: {
    outDir: out,
    emptyOutDir: true, // public/ puts .gitkeep back
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: Object.fromEntries(['/api', '/docs', '/openapi.json'].map((path) => [path, api])) },
  test: { include: ['src/**/*.test.ts'] },
} as Parameters<typeof defineConfig>[0])
