// mtcute against `mtp server`, directly and through `mtp proxy` with a secret of each kind, also with forward secrecy.
import crypto from 'crypto'
import fs from 'fs'
import { addPublicKey } from '@mtcute/core/utils.js'
import { BaseTelegramClient, MemoryStorage, MtProxyTcpTransport } from '@mtcute/node'
import { NodeCryptoProvider } from '@mtcute/node/utils.js'

const [pem, ...secrets] = process.argv.slice(2)
const provider = new NodeCryptoProvider()
await provider.initialize?.()
const key = crypto.createPublicKey(fs.readFileSync(pem))
addPublicKey(provider, key.export({ type: 'pkcs1', format: 'pem' }), false)

const within = (doing, ms) =>
  Promise.race([doing, new Promise((_, no) => setTimeout(() => no(new Error('timeout')), ms))])

async function run(name, { secret, usePfs }) {
  const dc = { ipAddress: '127.0.0.1', port: 80, id: 2 }
  const transport = secret && new MtProxyTcpTransport({ host: '127.0.0.1', port: 14430, secret })
  const client = new BaseTelegramClient({
    apiId: 1, apiHash: 'h', storage: new MemoryStorage(), crypto: provider,
    defaultDcs: { main: dc, media: dc }, disableUpdates: true, logLevel: 1,
    network: { usePfs }, ...(transport && { transport }),
  })
  try {
    const config = await within(client.call({ _: 'help.getConfig' }), 20000)
    console.log(config.thisDc === 2 ? 'ok  ' : 'FAIL', name, 'help.getConfig')
    const settings = { _: 'codeSettings' }
    const call = { phoneNumber: '+9996620001', apiId: 1, apiHash: 'h', settings }
    await within(client.call({ _: 'auth.sendCode', ...call }), 10000)
    console.log('ok  ', name, 'auth.sendCode')
  } catch (error) {
    console.log('FAIL', name, error.message)
  }
}

await run('direct', { usePfs: false })
await run('direct, temporary key', { usePfs: true })
for (const secret of secrets) await run(`proxy ${secret.slice(0, 2)}`, { secret, usePfs: true })
process.exit(0)
