/**
 * One edit at a hundred followers that stay on the link: from the save on the master until the last of them has it
 * verified and durable, and what the master holds meanwhile. The followers are of this process, each with its own keys,
 * folder, address and link; what they do not do is apply it, which a hundred machines do each for itself.
 * The floor writes and syncs as many small files at once.
 */
import { open } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { platform } from 'node:os'
import { join } from 'node:path'
import { openDisk } from '../engine/disk/real.ts'
import { Bell } from '../engine/env/bell.ts'
import { systemClock, systemIds } from '../engine/env/system.ts'
import { Follower } from '../engine/follower.ts'
import { Fault, isRefusal, toFault } from '../schemas/fault.ts'
import { parseLink } from '../schemas/link.ts'
import { mintIdentity } from '../transport/identity/cert.ts'
import { connectWire } from '../transport/link/connect.ts'
import { follow } from '../transport/link/pull.ts'
import { figureOf, sideOf } from './contest.ts'
import { makeHome, saveEdit, textOf } from './home.ts'
import { residentMb } from './idle.ts'
import type { Amount } from './join.ts'
import { Master } from './machines.ts'
import { Random } from './random.ts'
import type { Figure } from './report.ts'
import type { Scratch } from './scratch.ts'

const path = 'skills/skill-1/SKILL.md'
const editBytes = 4_000
/** The edits come when everything has come to rest. */
const restMs = 300
const joinedAtOnce = 10

export async function crowdFigures(
  scratch: Scratch,
  seed: number,
  amount: Amount,
  count: number,
  edits: number,
): Promise<readonly Figure[]> {
  // Other systems answer on 127.0.0.1 alone, and one address may not have a hundred links.
  if (platform() !== 'linux') return []
  const random = new Random(seed)
  const master = await Master.start(scratch, 'crowded', (home) => void makeHome(home, { seed, ...amount }))
  const bareMb = residentMb(master.pid)
  const crowd: Member[] = []
  const stop = new AbortController()
  try {
    for (let from = 0; from < count; from += joinedAtOnce) {
      const next = Array.from({ length: Math.min(joinedAtOnce, count - from) }, (_, at) =>
        Member.join(scratch.folder('member'), master.link, from + at, stop.signal),
      )
      crowd.push(...(await Promise.all(next)))
    }
    const last: number[] = []
    const first: number[] = []
    const floor: number[] = []
    for (let edit = 0; edit <= edits; edit++) {
      await new Promise((resolve) => setTimeout(resolve, restMs))
      const content = textOf(random, editBytes)
      const began = performance.now()
      const arrived = crowd.map((one) => one.next())
      saveEdit(master.homes.CODEX_HOME, path, content)
      const times = (await Promise.all(arrived)).map((at) => at - began)
      const plainMs = await writeAll(scratch.folder('floor'), count, content)
      // The first round is not counted, as everywhere.
      if (edit === 0) continue
      last.push(Math.max(...times))
      first.push(Math.min(...times))
      floor.push(plainMs)
    }
    const heldMb = residentMb(master.pid)
    const shared = { better: 'less' as const, rounds: edits }
    return [
      figureOf(
        {
          ...shared,
          id: 'crowd',
          what: `from a save to verified and durable at each of ${count} followers, in a home of ${amount.files} files`,
          unit: 'ms',
          aims: [{ side: 'the last one', most: 500, text: 'the last one ≤ 500 ms' }],
          notes: ['all of them in one process on this machine; none of them applies it'],
        },
        [
          sideOf('the last one', 'ours', last),
          sideOf('the first one', 'ours', first),
          sideOf(`${count} files written and synced`, 'floor', floor),
        ],
      ),
      figureOf(
        {
          ...shared,
          rounds: 1,
          id: 'crowd-memory',
          what: `resident memory of \`master serve\` with ${count} links`,
          unit: 'MB',
          aims: [{ side: 'master serve', most: 150, text: 'master serve ≤ 150 MB' }],
        },
        [
          sideOf('master serve', 'ours', [heldMb]),
          sideOf('the same before the first of them', 'floor', [bareMb]),
        ],
      ),
    ]
  } finally {
    stop.abort(new Fault('interrupted', 'The bench is over.'))
    await Promise.all(crowd.map((one) => one.ended))
    await master.stop()
  }
}

/** A follower that stays. */
class Member {
  readonly ended: Promise<void>
  readonly #level = new Bell()

  private constructor(follower: Follower, talk: (level: () => Promise<void>) => Promise<void>) {
    const level = () => {
      this.#level.ring()
      return Promise.resolve()
    }
    this.ended = talk(level)
      .catch((error: unknown) => {
        if (!(error instanceof Fault) || error.code !== 'interrupted') throw error
      })
      .finally(() => follower.close())
  }

  static async join(folder: string, text: string, index: number, signal: AbortSignal): Promise<Member> {
    const link = parseLink(text)
    if (isRefusal(link)) throw toFault(link)
    const disk = await openDisk(folder)
    const stemmaHome = join(folder, '.stemma')
    const follower = await Follower.open({ disk, clock: systemClock, ids: systemIds, stemmaHome })
    const { host, port, fingerprint: pin } = link
    const wire = await connectWire({
      ...{ host, port, pin, clock: systemClock, signal },
      identity: mintIdentity(follower.keys.node),
      socket: await dialFrom(`127.0.1.${index + 1}`, host, port),
      timeoutMs: joinMs,
    })
    const context = {
      ...{ follower, pin, clock: systemClock, name: `member-${index}`, platform: 'linux' as const },
      waiting: () => undefined,
      greeted: () => Promise.resolve(),
    }
    const member = new Member(follower, (level) => follow(wire, { ...context, level }, signal))
    await Promise.race([member.#level.next(), member.ended])
    return member
  }

  /** When all of the next change is here. */
  async next(): Promise<number> {
    await this.#level.next()
    return performance.now()
  }
}

const joinMs = 30_000

function dialFrom(localAddress: string, host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, localAddress })
  return new Promise((resolve, reject) => {
    socket.once('error', reject).once('connect', () => resolve(socket.off('error', reject)))
  })
}

async function writeAll(folder: string, count: number, content: string): Promise<number> {
  const began = performance.now()
  await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const file = await open(join(folder, String(index)), 'wx')
      await file.writeFile(content)
      await file.sync()
      await file.close()
    }),
  )
  return performance.now() - began
}
