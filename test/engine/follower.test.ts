/** The follower as an engine, without sockets: whom it believes, what it stores, and what it refuses with evidence. */
import { describe, expect, test } from 'vitest'
import { sign } from '../../engine/crypto/ed25519.ts'
import { settleEvidence } from '../../engine/evidence.ts'
import type { Channel, Follower, Greeting } from '../../engine/follower.ts'
import { readHead, signAnew } from '../../engine/log/head.ts'
import type { Master } from '../../engine/master.ts'
import { assert, isRefusal } from '../../schemas/fault.ts'
import { evidenceMax } from '../../schemas/limits.ts'
import type { KeyRow } from '../../schemas/section.ts'
import { channelBytes } from '../../schemas/signable.ts'
import { wireVersion } from '../../schemas/wire/index.ts'
import { keyOf, put, rotated } from './fixture.ts'
import { judge } from './proof.ts'
import {
  backupOf,
  catchUp,
  channelOf,
  exporter,
  fetchFrom,
  followerHome,
  greetingOf,
  keysOf,
  type Machine,
  machine,
  newMaster,
  openFollower,
  openMaster,
  pair,
  publish,
  recordsOf,
  stored,
} from './world.ts'

const evidenceOf = ({ disk }: Machine) =>
  disk.paths(`${followerHome}/evidence`).map((path) => judge(disk.peek(path) ?? Buffer.alloc(0)))
describe('S18, S19: who speaks', () => {
  test('the pinned master is believed, before the first join and after', async () => {
    const { master, ask } = await pair()
    expect(isRefusal(await ask())).toBe(false)
    master.freshen()
    expect(isRefusal(await ask())).toBe(false)
    await publish(master, 'rules/b.md', 'b')
    expect(isRefusal(await ask())).toBe(false)
    const cold = await openFollower(machine(22))
    expect(isRefusal(await cold.judge(greetingOf(master), channelOf(master), master.fingerprint))).toBe(false)
  })

  test('whatever is wrong with a greeting is refused, and nothing is stored', async () => {
    const { master, follower, here, ask } = await pair()
    const { master: other } = await newMaster(9)
    const good = greetingOf(master)
    const [charter] = good.keys
    assert(charter?.kind === 'charter', 'a history begins with its charter')
    const forged = Buffer.from(good.head)
    forged[100] = (forged[100] ?? 0) ^ 1
    const table: readonly [string, Greeting, Channel, string][] = [
      [
        'another version of the link',
        { ...good, version: wireVersion + 1 },
        channelOf(master),
        'upgrade-needed',
      ],
      ['another key on the channel', good, channelOf(other), 'pin-mismatch'],
      ['another log under the pinned key', greetingOf(other), channelOf(master), 'bad-signature'],
      ['no history', { ...good, keys: [] }, channelOf(master), 'bad-signature'],
      ['a charter twice', { ...good, keys: [charter, charter] }, channelOf(master), 'bad-signature'],
      [
        'a charter with its signatures swapped',
        { ...good, keys: [{ ...charter, byLog: charter.byNode, byNode: charter.byLog }] },
        channelOf(master),
        'bad-signature',
      ],
      ['a head that was changed', { ...good, head: forged }, channelOf(master), 'bad-signature'],
      ['a head of another log', { ...good, head: other.head.bytes }, channelOf(master), 'other-log'],
      ['no head', { ...good, head: Buffer.alloc(211) }, channelOf(master), 'protocol'],
      ['no proof', { ...good, proof: Buffer.alloc(64) }, channelOf(master), 'bad-signature'],
      [
        'a proof for another channel',
        good,
        { peerKey: channelOf(master).peerKey, exporter: Buffer.alloc(32, 0x66) },
        'bad-signature',
      ],
      [
        'a proof for another head',
        {
          ...good,
          proof: master.prove(
            signAnew(master.head, master.head.timeMs + 1, master.keys.log.private),
            exporter,
          ),
        },
        channelOf(master),
        'bad-signature',
      ],
      [
        'a proof by another key',
        { ...good, proof: other.prove(master.head, exporter) },
        channelOf(master),
        'bad-signature',
      ],
    ]
    const before = stored(follower)
    for (const [what, greeting, channel, code] of table) {
      const refusal = await ask(greeting, channel)
      expect(isRefusal(refusal) && refusal.refused, what).toBe(code)
    }
    expect(stored(follower)).toBe(before)
    expect(evidenceOf(here)).toEqual([])
  })

  test('a new log of the same machine is told from the one that is followed', async () => {
    const { master, follower } = await pair()
    const { master: other } = await newMaster(9)
    const refusal = await follower.judge(greetingOf(other), channelOf(other), other.fingerprint)
    expect(refusal).toMatchObject({ refused: 'other-log' })
    expect(refusal).toMatchObject({ facts: { expected: keysOf(master).logId.toString('hex') } })
  })
})

describe('T5: the newest stored head is a floor', () => {
  test('an older head is refused with evidence, and again after a restart', async () => {
    const { at, master, here, follower } = await pair()
    const old = await openMaster(backupOf(at, 11))
    await publish(master, 'rules/b.md', 'b')
    expect(await catchUp(master, follower)).toBeNull()
    const ask = (one: Follower) => one.judge(greetingOf(old), channelOf(old), old.fingerprint)
    expect(await ask(follower)).toMatchObject({ refused: 'rollback', facts: { ours: 4, theirs: 3 } })
    await follower.close()
    const again = await openFollower(here)
    expect(await ask(again)).toMatchObject({ refused: 'rollback' })
    expect(evidenceOf(here)).toEqual(['rollback'])
    // Once the master has taken its tail back, all is well: a rollback heals, a fork does not.
    expect(isRefusal(await again.judge(greetingOf(master), channelOf(master), master.fingerprint))).toBe(
      false,
    )
  })

  test('T6: another entry with our newest number is a fork, and from then on nothing is taken', async () => {
    const { at, master, here, follower } = await pair()
    const old = await openMaster(backupOf(at, 11))
    await publish(master, 'rules/b.md', 'b')
    await publish(old, 'rules/c.md', 'c')
    await catchUp(master, follower)
    const before = stored(follower)
    const refusal = await follower.judge(greetingOf(old), channelOf(old), old.fingerprint)
    expect(refusal).toMatchObject({ refused: 'fork' })
    expect(evidenceOf(here)).toEqual(['fork'])
    expect(await follower.judge(greetingOf(master), channelOf(master), master.fingerprint)).toMatchObject({
      refused: 'fork',
    })
    expect(stored(follower)).toBe(before)
    await settleEvidence(here.disk, followerHome)
    expect(isRefusal(await follower.judge(greetingOf(master), channelOf(master), master.fingerprint))).toBe(
      false,
    )
  })

  test('T6: a later history that does not follow from ours is a fork that the kept entries prove', async () => {
    const { at, master, here, follower } = await pair()
    const old = await openMaster(backupOf(at, 11))
    await publish(master, 'rules/b.md', 'b')
    await catchUp(master, follower)
    for (const name of ['c', 'd', 'e']) await publish(old, `rules/${name}.md`, name)
    const before = stored(follower)
    const records = await recordsOf(old, 5)
    expect(await follower.takeRun(records, keysOf(old), fetchFrom(old, follower))).toMatchObject({
      refused: 'fork',
    })
    expect(evidenceOf(here)).toEqual(['fork'])
    expect(stored(follower)).toBe(before)
  })

  test('entries that lead to no signed head are no fork, whatever they claim', async () => {
    const { at, master, here, follower } = await pair()
    const old = await openMaster(backupOf(at, 11))
    await publish(master, 'rules/b.md', 'b')
    await catchUp(master, follower)
    for (const name of ['c', 'd']) await publish(old, `rules/${name}.md`, name)
    const [entry, head] = await recordsOf(old, 5)
    assert(entry && head, 'an entry and its head')
    const before = stored(follower)
    const unsigned = Buffer.from(head)
    unsigned[200] = (unsigned[200] ?? 0) ^ 1
    for (const run of [[entry], [entry, unsigned], [entry, master.head.bytes], [head], [head, entry], []])
      expect(
        (await follower.takeRun(run, keysOf(old), fetchFrom(old, follower)))?.refused ?? 'nothing',
      ).toMatch(/protocol|nothing/)
    expect(evidenceOf(here)).toEqual([])
    expect(stored(follower)).toBe(before)
  })

  test('Q2: a base that contradicts a checkpoint of ours is refused', async () => {
    const { at, master, here, follower } = await pair()
    const old = await openMaster(backupOf(at, 11))
    const many = (mark: string) => Array.from({ length: 300 }, (_, i) => put(`rules/${mark}${i}.md`))
    const nothing = async () => undefined
    await master.append(many('x'))
    await follower.takeRun(await recordsOf(master, 4), keysOf(master), nothing)
    await old.append([...many('y'), ...many('z')])
    const { parts, head } = await old.log.base()
    const before = stored(follower)
    expect(await follower.takeBase(parts, head, keysOf(old), nothing)).toMatchObject({ refused: 'fork' })
    expect(stored(follower)).toBe(before)
    expect(evidenceOf(here)).toHaveLength(1)
  })

  test(`a master that shows ever older heads fills ${evidenceMax} places, and leaves room for a fork`, async () => {
    const { at, master, here, follower } = await pair()
    const dir = `${followerHome}/evidence`
    for (let n = 0; n < evidenceMax; n++)
      here.disk.plantFile(`${dir}/rollback-0000000000000001-${String(n).padStart(4, '0')}.json`, '{}')
    const old = await openMaster(backupOf(at, 11))
    await publish(master, 'rules/b.md', 'b')
    await catchUp(master, follower)
    expect(await follower.judge(greetingOf(old), channelOf(old), old.fingerprint)).toMatchObject({
      refused: 'rollback',
    })
    expect(here.disk.paths(dir)).toHaveLength(evidenceMax)
    await publish(old, 'rules/c.md', 'c')
    expect(await follower.judge(greetingOf(old), channelOf(old), old.fingerprint)).toMatchObject({
      refused: 'fork',
    })
    expect(here.disk.paths(dir)).toHaveLength(evidenceMax + 1)
  })
})

describe('S20, T9: keys that change', () => {
  const charterOf = (master: Master) => master.state.maps.keys.get('0')
  async function rotatedLog() {
    const { master, follower, ask } = await pair()
    const next = keyOf(50)
    const event = rotated(master.state.keys, master.keys.log, next)
    assert(event.type === 'key.rotated', 'a rotation')
    const charter = charterOf(master)
    assert(charter, 'a charter')
    const row: KeyRow = {
      kind: 'rotated',
      role: 'log',
      key: event.body.key,
      by: event.body.byOld,
      byNew: event.body.byNew,
      seq: 4,
    }
    return { master, follower, ask, next, charter, row }
  }

  test('a greeting with a longer history is believed when the new key proves itself', async () => {
    const { master, ask, next, charter, row } = await rotatedLog()
    const head = readHead(signAnew({ ...master.head, seq: 4 }, master.head.timeMs, next.private).bytes)
    assert(!isRefusal(head), 'a head')
    const greeting = {
      version: wireVersion,
      keys: [charter, row],
      head: head.bytes,
      proof: sign(next.private, channelBytes(head.bytes, exporter)),
    }
    expect(isRefusal(await ask(greeting))).toBe(false)
    // The old key no longer speaks for the log.
    const stale = { ...greeting, proof: master.prove(head, exporter) }
    expect(await ask(stale)).toMatchObject({ refused: 'bad-signature' })
    // Neither does a history in which nobody vouched for the new key.
    const { master: other } = await newMaster(9)
    const own = rotated(other.state.keys, other.keys.log, next)
    assert(own.type === 'key.rotated', 'a rotation')
    expect(await ask({ ...greeting, keys: [charter, { ...row, by: own.body.byOld }] })).toMatchObject({
      refused: 'bad-signature',
    })
  })
})
