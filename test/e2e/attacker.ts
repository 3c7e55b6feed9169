/**
 * A master by hand: the real keys of a folder, and a talk that is none of the product's. What a thief of the keys,
 * or a master gone wrong, could serve.
 * Always holds: it listens on loopback only; the folder it reads is a copy, which it never writes to but to open it.
 */
import { copyFile } from 'node:fs/promises'
import { openDisk } from '../../engine/disk/real.ts'
import { systemClock, systemIds } from '../../engine/env/system.ts'
import type { Wire } from '../../engine/env/wire.ts'
import { Follower } from '../../engine/follower.ts'
import { Master } from '../../engine/master.ts'
import { Fault, isRefusal } from '../../schemas/fault.ts'
import type { Hash } from '../../schemas/shape.ts'
import { type Down, down, type Up, up, wireVersion } from '../../schemas/wire/index.ts'
import { mintIdentity } from '../../transport/identity/cert.ts'
import { createPeerRules } from '../../transport/identity/peer.ts'
import { connectWire } from '../../transport/link/connect.ts'
import { listen } from '../../transport/link/listen.ts'
import { hear, say } from '../../transport/link/talk.ts'

const loopback = '127.0.0.1'

/** The master of a folder that nobody serves now. */
export async function openMaster(stemmaHome: string): Promise<Master> {
  return Master.open({ disk: await openDisk(), clock: systemClock, ids: systemIds, stemmaHome })
}

/** A new log, begun with the node key of another master. */
export async function startAnew(stemmaHome: string, keysFrom: string): Promise<void> {
  await copyFile(`${keysFrom}/keys/node.key`, `${stemmaHome}/keys/node.key`)
  const { master } = await Master.init({
    disk: await openDisk(),
    clock: systemClock,
    ids: systemIds,
    stemmaHome,
  })
  await master.close()
}

/** What a master by hand does with one follower; `hello` is what it said. */
export type Play = (talk: MasterTalk, hello: Extract<Up, { t: 'hello' }>) => Promise<void>

export class MasterTalk {
  readonly wire: Wire
  constructor(wire: Wire) {
    this.wire = wire
  }
  say(message: Down): Promise<void> {
    return say(this.wire, message)
  }
  async hear(): Promise<Up> {
    const message = await hear(this.wire, up)
    if (message === null) throw new Fault('unreachable', 'The follower hung up.')
    return message
  }
  /** A greeting that proves the log key of `master`, with whatever head. */
  greet(master: Master, head = master.head): Promise<void> {
    return this.say({
      t: 'hello',
      version: wireVersion,
      keys: [...master.state.maps.keys.rows().values()],
      head: head.bytes,
      proof: master.prove(head, this.wire.exporter),
    })
  }
}

/** Listens with the node key of `master` while `work` lasts, and plays every follower that comes. */
export async function playMaster<T>(
  master: Master,
  port: number,
  play: Play,
  work: () => Promise<T>,
): Promise<T> {
  const rules = createPeerRules({ allow: ['127.0.0.0/8'], deny: [] })
  if (isRefusal(rules)) throw new Error(rules.why)
  const talks: Promise<void>[] = []
  const listener = await listen({
    identity: mintIdentity(master.keys.node),
    rules,
    clock: systemClock,
    hosts: [loopback],
    port,
    admit: () => null,
    isEnrolled: () => false,
    head: () => null,
    onWire: (wire) => {
      wire.welcome()
      const talk = new MasterTalk(wire)
      const playing = (async () => {
        const hello = await talk.hear()
        if (hello.t !== 'hello') throw new Error('a follower says hello first')
        await play(talk, hello)
        while (await talk.hear());
      })()
      talks.push(
        playing.catch((error: unknown) => {
          // The follower hangs up: that is what every one of these talks is about.
          if (!(error instanceof Fault)) throw error
        }),
      )
    },
  })
  try {
    return await work()
  } finally {
    await listener.close()
    await Promise.all(talks)
  }
}

/** Payloads of a log from entry `from` on. */
export async function recordsOf(master: Master, from: number): Promise<Buffer[]> {
  const out: Buffer[] = []
  for await (const run of master.log.records(from)) out.push(...run)
  return out
}

/** A follower by hand that stays on the line, with the keys of a folder that no command uses now. */
export async function stay(
  stemmaHome: string,
  port: number,
  pin: string,
): Promise<{ readonly wire: Wire; readonly hear: () => Promise<Down | null> }> {
  const follower = await Follower.open({
    disk: await openDisk(),
    clock: systemClock,
    ids: systemIds,
    stemmaHome,
  })
  const wire = await connectWire({
    host: loopback,
    port,
    pin: pin as Hash,
    identity: mintIdentity(follower.keys.node),
    clock: systemClock,
    timeoutMs: 10_000,
  })
  await say(wire, {
    t: 'hello',
    version: wireVersion,
    name: 'stayer',
    platform: 'linux',
    seal: follower.keys.seal.public,
    head: follower.head?.bytes ?? null,
    follow: true,
  })
  await follower.close()
  return { wire, hear: () => hear(wire, down) }
}
