/**
 * `master serve`: the home is watched and published, followers are served, commands are answered, until a signal.
 * Always holds: it accepts before it says that it listens, and the first look is published before that; whatever
 * ends it closes the listener, the watch and every link before the lock is released.
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
import { createPeerRules } from '../../transport/identity/peer.ts'
import { host } from '../../transport/link/host.ts'
import { type Listener, listen } from '../../transport/link/listen.ts'
import { dim, type Piece } from '../ui/paint.ts'
import { answer } from './answer.ts'
import type { Desk } from './desk.ts'

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
  const listener = await openDoor(desk, options, (wire) => {
    const link = serveLink(desk, wire, signal, (fault) => ended.abort(fault)).finally(() =>
      links.delete(link),
    )
    links.add(link)
  })
  let watch: HomeWatch | null = null
  let loop: Promise<void> = Promise.resolve()
  try {
    const publisher = makePublisher(desk, signal)
    watch = await openWatch(desk, publisher)
    desk.serving = {
      listener,
      watching: () => watch?.state.kind === 'watching',
      rescan: () => publisher.rescan(),
      rewatch: async () => {
        await watch?.close()
        watch = await openWatch(desk, publisher)
      },
    }
    loop = publisher.run().catch((error: unknown) => ended.abort(error))
    await untilDone(publisher.rescan(), signal)
    await desk.sweep()
    const control = lock.serve((request) => {
      if (request.cmd !== 'stop') return answer(desk, request)
      ended.abort(new Fault('interrupted', 'Stopped on request.'))
      return Promise.resolve({})
    })
    control.catch((error: unknown) => ended.abort(error))
    tellListening(desk, listener)
    const idle = keepFresh(desk, signal)
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
  }
  tell(desk, { event: 'stopped' }, 'Stopped.')
}

const isStop = (error: unknown): boolean => error instanceof Fault && error.code === 'interrupted'

function openDoor(desk: Desk, options: ServeOptions, onWire: (wire: Wire) => void): Promise<Listener> {
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
    head: (peerKey) => (master.standing(peerKey) === 'enrolled' ? master.freshHead.bytes : null),
    onWire,
    onRefused: (refusal, address) =>
      tell(desk, { event: 'refused', code: refusal.refused, address }, `Refused ${address}: ${refusal.why}`),
  })
}

/** One link, to its end. What goes wrong on it is told and costs that link alone, except a fork. */
async function serveLink(
  desk: Desk,
  wire: Wire,
  signal: AbortSignal,
  halt: (fault: Fault) => void,
): Promise<void> {
  const { master, gate, context } = desk
  const before = master.head.seq
  try {
    const joined = (follower: string) => {
      if (master.head.seq !== before) published(desk)
      tell(
        desk,
        { event: 'joined', follower, address: wire.peerAddress },
        `${follower} (${wire.peerAddress}) is here.`,
      )
    }
    const alone = <T>(work: () => Promise<T>) => desk.alone(work)
    await host(wire, { master, gate, clock: context.clock, joined, alone }, signal)
  } catch (error) {
    if (signal.aborted) return
    if (!(error instanceof Fault)) throw error
    tell(
      desk,
      { event: 'broken', code: error.code, address: wire.peerAddress },
      `${wire.peerAddress}: ${error.message}`,
    )
    if (error.code === 'fork' && master.forked) halt(error)
    if (error.code === 'log-poisoned' || error.code === 'log-damaged') halt(error)
  }
}

function makePublisher(desk: Desk, signal: AbortSignal): Publisher {
  return new Publisher({
    clock: desk.context.clock,
    signal,
    look: async (during) => {
      const { entries, again } = await desk.look(during)
      if (entries > 0) published(desk)
      return again
    },
    onFault: (fault) => tell(desk, { event: 'trouble', code: fault.code }, `${fault.message} ${fault.hint}`),
  })
}

async function openWatch(desk: Desk, publisher: Publisher): Promise<HomeWatch> {
  const watch = new HomeWatch({
    disk: desk.disk,
    clock: desk.context.clock,
    home: desk.context.homes.codexHome,
    selection: desk.master.selection,
    onHint: () => publisher.hint(),
    onState: (state) => {
      if (state.kind === 'polling')
        tell(desk, { event: 'polling' }, `${state.why} Looking every few seconds instead.`)
    },
  })
  await watch.open()
  return watch
}

/**
 * Re-signs the head of an idle master, and clears away what was superseded since: not at once, because a follower may
 * be taking it (N4). Returns the way to stop.
 */
function keepFresh(desk: Desk, signal: AbortSignal): () => Promise<void> {
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
      tell(desk, { event: 'trouble', code: error.code }, `${error.message} ${error.hint}`)
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

function tellListening(desk: Desk, listener: Listener): void {
  const { master } = desk
  const { port, hosts } = listener
  const facts = { event: 'listening', port, hosts, seq: master.head.seq, fingerprint: master.fingerprint }
  const places = hosts.map((one) => formatAddress(one, port)).join(' and ')
  tell(desk, facts, `Listening on ${places}, entry ${master.head.seq}, ${master.files.size} files.`)
}

function published(desk: Desk): void {
  const { head } = desk.master
  const revision = toHash(head.revision)
  tell(
    desk,
    { event: 'published', seq: head.seq, revision },
    `Published entry ${head.seq} (revision ${revision.slice(0, 12)}).`,
  )
}

/** One fact: a line of JSON on standard output, or a line for people on standard error. */
function tell(desk: Desk, facts: Readonly<Record<string, unknown>>, words: Piece): void {
  const { context } = desk
  if (context.json) context.out.json(facts)
  else context.err.line(dim(new Date(context.clock.now()).toISOString().slice(11, 19)), ' ', words)
}
