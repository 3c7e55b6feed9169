/**
 * `master serve`: the home is watched and published, followers are served, commands are answered, until a signal.
 * Always holds: it accepts before it says that it listens, which is its first line of JSON, and the first look is
 * published by then; whatever ends it closes the listener, the watch and every link before the lock is released.
 */
import { Publisher } from '../../engine/canon/publisher.ts'
import { HomeWatch } from '../../engine/canon/watch.ts'
import { toHash } from '../../engine/crypto/hash.ts'
import type { Wire } from '../../engine/env/wire.ts'
import { Fault, isRefusal, refuse, toFault } from '../../schemas/fault.ts'
import { idleHeadEveryMs } from '../../schemas/limits.ts'
import { formatAddress } from '../../schemas/link.ts'
import type { Lock } from '../../transport/control/lock.ts'
import { mintIdentity } from '../../transport/identity/cert.ts'
import { tailnetAddress } from '../../transport/identity/own.ts'
import { createPeerRules, isOnTailnet } from '../../transport/identity/peer.ts'
import { host } from '../../transport/link/host.ts'
import { type Listener, listen } from '../../transport/link/listen.ts'
import { counted } from '../ui/amount.ts'
import { Voice } from '../ui/voice.ts'
import { answer } from './answer.ts'
import type { Desk } from './desk.ts'
import { Herald } from './herald.ts'
import { outOfReach } from './reach.ts'
import { Warner } from './warn.ts'

export type ServeOptions = {
  readonly hosts: readonly string[]
  readonly port: number
  readonly allow: readonly string[]
  readonly deny: readonly string[]
}

/** Serves until the context's signal, or until something makes going on impossible. */
export async function serve(desk: Desk, lock: Lock, options: ServeOptions): Promise<void> {
  desk.master.mustAppend()
  const ended = new AbortController()
  const signal = AbortSignal.any([desk.context.signal, ended.signal])
  const links = new Set<Promise<void>>()
  const voice = new Voice(desk.context)
  const herald = new Herald(desk.context.clock, (facts, words) => voice.say(facts, words))
  const listener = await openDoor(desk, options, herald, (wire) => {
    const link = serveLink(desk, { voice, herald }, wire, signal, (fault) => ended.abort(fault)).finally(() =>
      links.delete(link),
    )
    links.add(link)
  })
  let watch: HomeWatch | null = null
  let loop: Promise<void> = Promise.resolve()
  try {
    const publisher = makePublisher(desk, voice, signal)
    watch = await openWatch(desk, voice, publisher)
    desk.serving = {
      listener,
      allow: options.allow,
      watching: () => watch?.state.kind === 'watching',
      rescan: () => publisher.rescan(),
      rewatch: async () => {
        await watch?.close()
        watch = await openWatch(desk, voice, publisher)
      },
    }
    loop = publisher.run().catch((error: unknown) => ended.abort(error))
    await untilDone(publisher.rescan(), signal).catch((error: unknown) => {
      // A follower that holds more of this log than we do came before the first look: it has to be served (S59).
      // And what followers have stays theirs to fetch while a person looks for the files that are gone.
      if (!(error instanceof Fault && (error.code === 'rollback' || error.code === 'files-gone'))) throw error
    })
    await desk.sweep()
    const control = lock.serve((request) => {
      if (request.cmd === 'lend') throw new Fault('wrong-role', 'A master lends its folder to nobody.')
      if (request.cmd !== 'stop') return answer(desk, request)
      ended.abort(new Fault('interrupted', 'Stopped on request.'))
      return Promise.resolve({})
    })
    control.catch((error: unknown) => ended.abort(error))
    tellListening(desk, voice, listener)
    tellReach(voice, listener, options)
    const idle = keepFresh(desk, voice, signal)
    await untilDone(new Promise<never>(() => undefined), signal).finally(() => idle())
  } catch (error) {
    if (!isStop(error)) throw error
  } finally {
    ended.abort(new Fault('interrupted', 'The master stopped.'))
    desk.serving = null
    await watch?.close()
    await loop
    await listener.close()
    await Promise.all(links)
    herald.close()
  }
  voice.say({ event: 'stopped' }, 'Stopped.')
}

const isStop = (error: unknown): boolean => error instanceof Fault && error.code === 'interrupted'

function openDoor(
  desk: Desk,
  options: ServeOptions,
  herald: Herald,
  onWire: (wire: Wire) => void,
): Promise<Listener> {
  const { master, context } = desk
  const rules = createPeerRules({ allow: options.allow, deny: options.deny })
  if (isRefusal(rules)) throw toFault(rules)
  return listen({
    identity: mintIdentity(master.keys.node),
    rules,
    clock: context.clock,
    hosts: options.hosts,
    port: options.port,
    admit: (peerKey) =>
      master.standing(peerKey) === 'revoked'
        ? refuse('revoked', 'The master has revoked this machine.')
        : null,
    isEnrolled: (peerKey) => master.standing(peerKey) === 'enrolled',
    head: (peerKey) => (master.standing(peerKey) === 'enrolled' ? master.freshHead.bytes : null),
    onWire,
    onRefused: (refusal, address) =>
      herald.tell(address, { event: 'refused', code: refusal.refused }, `Refused ${address}: ${refusal.why}`),
  })
}

/** One link, to its end. What goes wrong on it is told and costs that link alone, except a fork. */
async function serveLink(
  desk: Desk,
  { voice, herald }: { readonly voice: Voice; readonly herald: Herald },
  wire: Wire,
  signal: AbortSignal,
  halt: (fault: Fault) => void,
): Promise<void> {
  const { master, gate, context } = desk
  const address = wire.peerAddress
  const before = master.head.seq
  try {
    const joined = (follower: string) => {
      if (master.head.seq !== before) published(desk, voice)
      herald.tell(address, { event: 'joined', follower }, `${follower} (${address}) is here.`)
    }
    const alone = <T>(work: () => Promise<T>) => desk.alone(work)
    await host(wire, { master, gate, clock: context.clock, joined, alone }, signal)
  } catch (error) {
    if (signal.aborted) return
    if (!(error instanceof Fault)) throw error
    herald.tell(address, { event: 'broken', code: error.code }, `${address}: ${error.message}`)
    if (error.code === 'fork' && master.forked) halt(error)
    if (error.code === 'log-poisoned' || error.code === 'log-damaged') halt(error)
  }
}

function makePublisher(desk: Desk, voice: Voice, signal: AbortSignal): Publisher {
  const warner = new Warner((facts, words) => voice.say(facts, words))
  return new Publisher({
    clock: desk.context.clock,
    signal,
    look: async (during, changed) => {
      const { entries, again } = await desk.look(during, changed)
      if (desk.paused) voice.say({ event: 'resumed' }, 'What held up publishing is over.')
      desk.paused = null
      if (entries > 0) published(desk, voice)
      warner.tell((await desk.seen()).warnings)
      return again
    },
    onFault: ({ code, message, hint }) => {
      // Said once, however often it is met.
      if (desk.paused?.message === message) return
      const since = desk.paused?.since ?? new Date(desk.context.clock.now()).toISOString()
      desk.paused = { code, message, hint, since }
      voice.say({ event: 'trouble', code }, `${message} ${hint}`)
    },
  })
}

async function openWatch(desk: Desk, voice: Voice, publisher: Publisher): Promise<HomeWatch> {
  const watch = new HomeWatch({
    disk: desk.disk,
    clock: desk.context.clock,
    home: desk.context.homes.codexHome,
    selection: desk.master.selection,
    onHint: (at) => publisher.hint(at),
    onState: (state) => {
      if (state.kind === 'polling')
        voice.say({ event: 'polling' }, `${state.why} Looking every few seconds instead.`)
    },
  })
  await watch.open()
  return watch
}

/**
 * Re-signs the head of an idle master, and clears away what was superseded since: not at once, because a follower may
 * be taking it (N4). Returns the way to stop.
 */
function keepFresh(desk: Desk, voice: Voice, signal: AbortSignal): () => Promise<void> {
  const { master, context } = desk
  let cancel = () => {}
  let swept = master.head.seq
  let sweeping = Promise.resolve()
  const sweep = async () => {
    const { seq } = master.head
    if (seq === swept) return
    try {
      await desk.sweep()
      swept = seq
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      voice.say({ event: 'trouble', code: error.code }, `${error.message} ${error.hint}`)
    }
  }
  const arm = () => {
    cancel = context.clock.after(idleHeadEveryMs, () => {
      if (signal.aborted) return
      master.freshen()
      sweeping = sweeping.then(sweep)
      arm()
    })
  }
  arm()
  return () => {
    cancel()
    return sweeping
  }
}

/** The promise, or the signal's reason when that comes first. */
function untilDone<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    promise.then(resolve, reject)
  })
}

function tellListening(desk: Desk, voice: Voice, listener: Listener): void {
  const { master } = desk
  const { port, hosts } = listener
  const facts = { event: 'listening', port, hosts, seq: master.head.seq, fingerprint: master.fingerprint }
  const places = hosts.map((one) => formatAddress(one, port)).join(' and ')
  voice.open(
    facts,
    `Listening on ${places}, entry ${master.head.seq}, ${counted(master.files.size + master.secrets.size, 'file')}.`,
  )
}

function tellReach(voice: Voice, { hosts }: Listener, { allow }: ServeOptions): void {
  const hostsOnTailnet = hosts.filter(isOnTailnet)
  const words = outOfReach({ hosts, hostsOnTailnet, allow, tailnet: tailnetAddress() })
  if (words !== null)
    voice.say({ event: 'not-on-tailnet', hosts }, `${words.title} ${words.means} ${words.todo}`)
}

function published(desk: Desk, voice: Voice): void {
  const { head } = desk.master
  const revision = toHash(head.revision)
  voice.say(
    { event: 'published', seq: head.seq, revision },
    `Published entry ${head.seq} (revision ${revision.slice(0, 12)}).`,
  )
}
