/**
 * A process of the lock tests: claims the folder it is given, says how that went, serves until it is told to stop.
 * Talks by lines of JSON: `{"owned":pid}` or `{"fault":code,"message":…}`; a line on its standard input releases.
 */
import { createInterface } from 'node:readline'
import { openDisk } from '../../../engine/disk/real.ts'
import { systemClock as clock, systemIds as ids } from '../../../engine/env/system.ts'
import { Fault } from '../../../schemas/fault.ts'
import { acquireLock } from '../../../transport/control/lock.ts'

const say = (fact: object) => process.stdout.write(`${JSON.stringify(fact)}\n`)
const [home = ''] = process.argv.slice(2)
const lines = createInterface(process.stdin)[Symbol.asyncIterator]()
say({ ready: process.pid })
await lines.next()
try {
  const lock = await acquireLock({
    home,
    what: 'master serve',
    disk: await openDisk(),
    clock,
    ids,
    pid: process.pid,
    uid: process.getuid?.() ?? null,
    signal: new AbortController().signal,
  })
  const served = lock.serve(async (request) => ({ did: request.cmd }))
  say({ owned: process.pid })
  await lines.next()
  await lock.release()
  await served
  say({ released: process.pid })
} catch (error) {
  if (!(error instanceof Fault)) throw error
  say({ fault: error.code, message: error.message, facts: error.facts })
}
process.exit()
