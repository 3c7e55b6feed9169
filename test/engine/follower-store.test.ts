/** What a follower stores, in which order, and what it keeps over restarts: without sockets, by hand-made runs and bases. */
import { describe, expect, test } from 'vitest'
import { writeBase } from '../../engine/log/base.ts'
import { signHead } from '../../engine/log/head.ts'
import type { Master } from '../../engine/master.ts'
import { assert, Fault } from '../../schemas/fault.ts'
import { keyOf, put, rotated, signedRun } from './fixture.ts'
import {
  catchUp,
  fetchFrom,
  followerHome,
  join,
  keysOf,
  newMaster,
  openFollower,
  pair,
  publish,
  recordsOf,
  stored,
} from './world.ts'

describe('S26: verified before it is stored, stored with what it names', () => {
  test('contents are fetched first; a fetch that fails stores nothing', async () => {
    const { master, follower } = await pair()
    await publish(master, 'rules/b.md', 'b')
    const before = stored(follower)
    const records = await recordsOf(master, 4)
    const failing = async () => {
      throw new Fault('unreachable', 'the link is gone')
    }
    await expect(follower.takeRun(records, keysOf(master), failing)).rejects.toMatchObject({
      code: 'unreachable',
    })
    expect(stored(follower)).toBe(before)
    expect(await catchUp(master, follower)).toBeNull()
    expect(follower.state && (await follower.missing(follower.state))).toEqual([])
  })

  test('a long tail is stored in whole batches; refused in the middle, what came before stays', async () => {
    const { master, follower } = await pair()
    for (let n = 0; n < 6; n++)
      await master.append(Array.from({ length: 1000 }, (_, i) => put(`rules/${n}/${i}.md`, '')))
    const records = await recordsOf(master, 4)
    const broken = [...records]
    broken[5500] = Buffer.from('nonsense')
    const nothing = async () => undefined
    expect(await follower.takeRun(broken, keysOf(master), nothing)).toMatchObject({ refused: 'protocol' })
    expect(follower.head?.seq).toBe(4003)
    expect(await follower.takeRun(records, keysOf(master), nothing)).toMatchObject({ refused: 'protocol' })
    expect(await follower.takeRun(await recordsOf(master, 4004), keysOf(master), nothing)).toBeNull()
    expect(follower.state?.stateHash()).toEqual(master.head.state)
  })

  test('a base that is not newer, not whole, or of another log is refused', async () => {
    const { master, follower } = await pair()
    const { master: other } = await newMaster(9)
    const nothing = async () => undefined
    const take = (from: Master, parts: readonly Buffer[], head = from.head) =>
      follower.takeBase(parts, head, keysOf(master), nothing)
    const { parts, head } = await master.log.base()
    expect(await take(master, parts, head)).toMatchObject({ refused: 'protocol' })
    await publish(master, 'rules/b.md', 'b')
    const newer = await master.log.base()
    expect(await take(master, newer.parts.slice(1))).toMatchObject({ refused: 'protocol' })
    expect(await take(master, [...newer.parts].reverse())).toMatchObject({ refused: 'protocol' })
    expect(await take(master, parts)).toMatchObject({ refused: 'state-mismatch' })
    const strange = await other.log.base()
    expect(await take(other, strange.parts)).toMatchObject({ refused: 'other-log' })
    const before = stored(follower)
    expect(
      await follower.takeBase(newer.parts, newer.head, keysOf(master), fetchFrom(master, follower)),
    ).toBeNull()
    expect(stored(follower)).not.toBe(before)
  })

  test('Q2: a base whose time or history of keys does not go on from what is here is refused, whoever signed it', async () => {
    const { master, follower } = await pair()
    const next = keyOf(50)
    const { state } = master
    const nothing = async () => undefined
    const run = signedRun(state, [[rotated(keysOf(master), master.keys.log, next)]], next)
    expect(await follower.takeRun(run, keysOf(master), nothing)).toBeNull()
    const before = stored(follower)
    signedRun(state, [[put('rules/b.md')]], next)
    const take = (timeMs = state.at.timeMs) =>
      follower.takeBase(
        writeBase(state),
        signHead(state, keysOf(master), timeMs, next.private),
        keysOf(master),
        nothing,
      )
    expect(await take((follower.head?.timeMs ?? 0) - 1)).toMatchObject({ refused: 'refused' })
    const turn = state.maps.keys.get('1')
    assert(turn?.kind === 'rotated', 'the key was changed')
    state.restore({ section: 'keys', key: '1', row: { ...turn, seq: turn.seq + 1 } })
    expect(await take()).toMatchObject({ refused: 'bad-signature' })
    expect(stored(follower)).toBe(before)
    state.restore({ section: 'keys', key: '1', row: turn })
    expect(await take()).toBeNull()
  })
})

describe('a machine', () => {
  test('keeps its identity over restarts, and will not make another one up', async () => {
    const { here, follower } = await pair()
    const { id } = follower
    await follower.close()
    const again = await openFollower(here)
    expect(again.id).toBe(id)
    expect(again.head?.seq).toBe(3)
    await again.close()
    await here.disk.unlink(`${followerHome}/keys/node.key`)
    await expect(openFollower(here)).rejects.toMatchObject({ code: 'keys-damaged' })
  })

  test('forgets a log and its floor, and takes another one as if it were the first', async () => {
    const { here, follower } = await pair()
    const { id } = follower
    await follower.forget()
    expect(follower.head).toBeNull()
    const { master: other } = await newMaster(9)
    await publish(other, 'AGENTS.md', 'theirs')
    await join(other, follower)
    expect(follower.id).toBe(id)
    await follower.close()
    // Nothing of the first log comes back after a power cut.
    const again = await openFollower({ ...here, disk: here.disk.reboot(0) })
    expect(again.state?.keys?.logId).toEqual(other.state.keys?.logId)
  })

  test('sweeps what its state does not need, and fetches what is missing of it', async () => {
    const { master, follower } = await pair()
    await publish(master, 'AGENTS.md', 'two')
    await catchUp(master, follower)
    expect(await follower.sweep()).toBe(1)
    const [file] = follower.state?.files().values() ?? []
    assert(file, 'there is a file')
    await follower.blobs.sweep(new Set())
    expect(follower.state && (await follower.missing(follower.state))).toHaveLength(2)
    await follower.complete(fetchFrom(master, follower))
    expect(await follower.blobs.isSound(file.blob)).toBe(true)
  })
})
