/**
 * What a session waits for on a follower: the hooks of Codex, the shim, and `stemma run`; with nothing new, with a
 * master that is off, and with one in a black hole. The floor is a Node process that does nothing at all.
 */
import { hookConnectMs, hookSyncMs } from '../schemas/limits.ts'
import type { Absent, Aim, Contender, Contest } from './contest.ts'
import { digHole, holeAbsence } from './hole.ts'
import type { Scratch } from './scratch.ts'
import { type News, Session, type Way } from './session.ts'

const floor = 'node -e 0'
const names = {
  nothing: 'nothing new',
  offFirst: 'master off, first',
  offThen: 'master off, then',
  holeFirst: 'black hole, first',
  holeThen: 'black hole, then',
} as const

type Case = { readonly name: string; readonly session: Session; readonly news: News }

export async function hookContests(scratch: Scratch, rounds: number): Promise<readonly Contest[]> {
  if (process.platform === 'win32') {
    process.stderr.write('hook: skipped, the sessions of Windows are not measured\n')
    return []
  }
  const level = await Session.start(scratch, 'level')
  const off = await Session.start(scratch, 'off')
  await off.leave()
  const absence = holeAbsence()
  const hole = absence === null ? await Session.start(scratch, 'hole') : null
  if (hole) await digHole(scratch, await hole.leave())
  const inHole = (name: string, news: News): Case | Absent =>
    hole ? { name, session: hole, news } : { name, why: absence ?? '' }

  const cases: readonly (Case | Absent)[] = [
    { name: names.nothing, session: level, news: 'nothing' },
    { name: names.offFirst, session: off, news: 'first' },
    { name: names.offThen, session: off, news: 'known' },
    inHole(names.holeFirst, 'first'),
    inHole(names.holeThen, 'known'),
  ]
  const short: readonly (Case | Absent)[] = [
    { name: 'at once after the start', session: level, news: 'nothing' },
    { name: '  the same, master off, first', session: off, news: 'first' },
    inHole('  the same, black hole, first', 'first'),
  ]
  const bare: Contender = {
    name: floor,
    role: 'floor',
    measure: async () => (await scratch.run(process.execPath, ['-e', '0'])).ms,
  }
  const by = (way: Way, of = cases) => of.map((one) => ('why' in one ? one : waits(one, way)))
  const shared = { unit: 'ms', better: 'less' as const, rounds, beside: floor }
  return [
    {
      ...shared,
      id: 'hook',
      what: 'the SessionStart hook as `hook install` puts it, and what it leaves behind, each to its end',
      contenders: [
        ...cases.flatMap<Contender | Absent>((one) => ('why' in one ? [one] : startAndBehind(one))),
        bare,
      ],
      aims: [
        times(names.nothing, 1.5),
        times(names.offFirst, 1.3),
        times(names.offThen, 1.3),
        {
          side: names.holeFirst,
          above: floor,
          most: hookConnectMs,
          text: `${names.holeFirst} ≤ ${floor} + ${hookConnectMs} ms`,
        },
        times(names.holeThen, 1.3),
      ],
      notes: [
        'the hook: a shell, until which Codex waits. Left behind: from the start of that same hook until the last',
        'process of it has ended; nobody waits for that, unless the session ends sooner (`end`)',
      ],
    },
    {
      ...shared,
      id: 'shim',
      what: 'the shim, from its start to the end of a Codex that does nothing',
      contenders: [...by('shim'), bare],
      aims: [times(names.offThen, 1.3), times(names.holeThen, 1.3), soon(names.holeFirst)],
      notes: [
        `a person waits while the master is asked: the connection may take ${hookConnectMs} ms, and then come TLS and an answer`,
      ],
    },
    {
      ...shared,
      id: 'run',
      what: '`stemma run`, from its start to the end of a Codex that does nothing',
      contenders: [...by('run'), bare],
      aims: Object.values(names).map(soon),
      notes: ['the same as the shim, by way of the whole command'],
    },
    {
      ...shared,
      id: 'end',
      what: 'the SessionEnd hook as `hook install` puts it',
      contenders: [...by('end', cases.slice(0, 1)), ...by('start and end', short), bare],
      aims: [times(names.nothing, 1.5), soon('  the same, black hole, first')],
      notes: [
        'at once: both hooks, one right after the other; the second waits for what the first left behind',
      ],
    },
  ]
}

const waits = ({ name, session, news }: Case, way: Way): Contender => ({
  name,
  role: 'ours',
  measure: async () => (await session.go(way, news)).ms,
})

/** Two sides of one run: how long Codex waits, and when all of it is over. */
function startAndBehind({ name, session, news }: Case): Contender[] {
  let allMs = Number.NaN
  return [
    {
      name,
      role: 'ours',
      async measure() {
        const done = await session.go('start', news)
        allMs = done.allMs
        return done.ms
      },
    },
    { name: `  left behind: ${name}`, role: 'ours', measure: async () => allMs },
  ]
}

const times = (side: string, most: number): Aim => ({
  side,
  to: floor,
  most,
  text: `${side} ≤ ${most} × ${floor}`,
})
/** Within what a session waits at most. */
const soon = (side: string): Aim => ({
  side,
  above: floor,
  most: hookSyncMs,
  text: `${side.trim()} ≤ ${floor} + ${hookSyncMs} ms`,
})
