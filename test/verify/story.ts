/**
 * A log with something of everything, written by the engine in two segments: every event of fold version 1, batches
 * of one entry to hundreds, checkpoints on both sides of a compaction, keys changed in every way.
 * Always holds: the same seed gives the same bytes.
 */
import type { KeyHistory } from '../../engine/fold/keys.ts'
import type { SigningKey } from '../../engine/keys/keys.ts'
import { Log } from '../../engine/log/log.ts'
import type { LogPlace } from '../../engine/log/open.ts'
import type { Event, EventType } from '../../schemas/event/index.ts'
import { assert } from '../../schemas/fault.ts'
import type { KeyRole } from '../../schemas/signable.ts'
import {
  approval,
  charter,
  enrolled,
  epochGranted,
  epochStarted,
  keyOf,
  keys,
  put,
  recovered,
  removed,
  revoked,
  rotated,
  secretPut,
  secretRemoved,
  selection,
  startMs,
} from '../engine/fixture.ts'
import { Random } from '../sim/random.ts'

const unicode = [
  'skills/grüße/SKILL.md',
  '規則/読む.md',
  'Straße/ǅ.md',
  'ΑΣ/ΑΣΑ.md',
  'prompts/ﬁle İx.md',
  'a／b',
  'rules/😀.md',
]
const many = (of: string, count: number): Event[] =>
  Array.from({ length: count }, (_, i) => put(`${of}/${i % 7}/${i}.md`, `${of} ${i}`, i % 3 === 0))
const wrapsPut = (epoch: number, fill: number): Event => ({
  type: 'wraps.put',
  body: { epoch, blob: Buffer.alloc(32, fill) },
})

export type Story = { readonly log: Log; readonly told: ReadonlySet<EventType>; readonly batches: number }

export async function writeStory(place: LogPlace, seed: number): Promise<Story> {
  const random = new Random(seed)
  const told = new Set<EventType>(['log.chartered'])
  let batches = 1
  let nowMs = startMs
  let logKey = keys.log
  let nodeKey = keys.node
  const log = await Log.create(place, [charter()], nowMs, logKey.private)
  const say = async (...events: Event[]) => {
    for (const { type } of events) told.add(type)
    // Some batches share a moment, some are days apart.
    nowMs += random.chance(0.3) ? 0 : random.below(100_000_000)
    await log.append(events, nowMs, logKey.private)
    batches++
  }
  /** Changes a key in the midst of a batch: its head is signed with the new one already. */
  type Change = (history: KeyHistory | null, old: SigningKey, next: SigningKey, how: object) => Event
  const turn = async (how: Change, role: KeyRole, next: SigningKey) => {
    const event = how(log.state.keys, role === 'log' ? logKey : nodeKey, next, { role })
    if (role === 'log') logKey = next
    else nodeKey = next
    await say(put('AGENTS.md', `before ${next.public}`), event, put('AGENTS.md', `after ${next.public}`))
  }
  /** Puts and removes at random, in batches of random sizes; what is there is asked of the log itself. */
  const drift = async (count: number) => {
    for (let i = 0; i < count; i++) {
      const batch = new Map<string, Event>()
      for (let n = 1 + random.below(random.chance(0.2) ? 30 : 5); n > 0; n--) {
        const path = `drift/${random.below(8)}/${random.below(12)}.md`
        const { files, secrets } = log.state.maps
        const fresh = random.chance(0.7) ? put(path, `${i} ${n}`) : secretPut(path, i)
        if (files.has(path)) batch.set(path, random.chance(0.3) ? removed(path) : put(path, `${i} ${n}`))
        else if (secrets.has(path))
          batch.set(path, random.chance(0.3) ? secretRemoved(path) : secretPut(path, n))
        else batch.set(path, fresh)
      }
      await say(...batch.values())
    }
  }

  await say(...unicode.map((path) => put(path)), approval(true))
  await say(
    ...Array.from({ length: 5 }, (_, i) => enrolled(i)),
    selection(['memories/', 'notes.md'], ['skills/x']),
  )
  await say(epochStarted(1), epochGranted(1, 0), epochGranted(1, 1), wrapsPut(1, 7), secretPut('.env'))
  await turn(rotated, 'log', keyOf(20))
  await say(...many('skills', 260))
  await drift(12)
  await say(revoked(1), epochStarted(2), epochGranted(2, 0), epochGranted(2, 2), epochGranted(2, 3))
  await turn(recovered, 'node', keyOf(21))
  await say(revoked(3), removed('skills/0/0.md'), put('empty', ''), secretPut('unicode/ключ', 3))

  await log.compact()
  await drift(12)
  await turn(rotated, 'node', keyOf(22))
  await turn(recovered, 'log', keyOf(23))
  await say(...many('rules', 240))
  await say(wrapsPut(2, 8), epochStarted(3), wrapsPut(3, 9), epochGranted(3, 4), approval(false))
  await say(selection([], []), secretRemoved('.env'), enrolled(9))
  await drift(6)
  assert(log.head.seq > 600, 'the log is long enough for checkpoints')
  return { log, told, batches }
}
