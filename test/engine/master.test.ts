/** The master as an engine, without sockets: what it keeps, whom it believes, and when it stops. */
import { describe, expect, test } from 'vitest'
import { settleEvidence } from '../../engine/evidence.ts'
import { Log } from '../../engine/log/log.ts'
import { Master } from '../../engine/master.ts'
import { assert, isRefusal } from '../../schemas/fault.ts'
import { evidenceMax } from '../../schemas/limits.ts'
import type { FollowerId } from '../../schemas/shape.ts'
import { enrolled, idOf, put, removed } from './fixture.ts'
import { judge } from './proof.ts'
import {
  backupOf,
  fetchFrom,
  join,
  type Machine,
  machine,
  masterHome,
  newMaster,
  openFollower,
  openMaster,
  publish,
  recordsOf,
} from './world.ts'

const evidenceOf = ({ disk }: Machine) =>
  disk.paths(`${masterHome}/evidence`).map((path) => ({ path, content: disk.peek(path) ?? Buffer.alloc(0) }))

describe('opening', () => {
  test('a log is begun once, and opened with the keys that it was begun with', async () => {
    const { at, master } = await newMaster()
    expect(master.head.seq).toBe(1)
    await expect(Master.init({ ...at, stemmaHome: masterHome })).rejects.toMatchObject({
      code: 'already-initialised',
    })
    await publish(master, 'AGENTS.md', 'one')
    await master.close()
    const again = await openMaster(at)
    expect(again.head.bytes).toEqual(master.head.bytes)
    expect([...again.files.keys()]).toEqual(['AGENTS.md'])
    expect(again.fingerprint).toBe(master.fingerprint)
  })

  test('the recovery key of every log is another one, and it is kept nowhere', async () => {
    const at = machine(1)
    const { recovery } = await Master.init({ ...at, stemmaHome: masterHome })
    const other = await Master.init({ ...machine(2), stemmaHome: masterHome })
    expect(recovery).toMatch(/^stemma-recovery-1-/)
    expect(other.recovery).not.toBe(recovery)
    for (const path of at.disk.paths()) expect(at.disk.peek(path)?.includes(recovery) ?? false).toBe(false)
  })

  for (const role of ['log', 'node'] as const)
    test(`S18: the ${role} key of another log is refused`, async () => {
      const { at, master } = await newMaster(1)
      const { at: other } = await newMaster(2)
      await master.close()
      at.disk.plantFile(
        `${masterHome}/keys/${role}.key`,
        other.disk.peek(`${masterHome}/keys/${role}.key`) ?? '',
        0o600,
      )
      await expect(openMaster(at)).rejects.toMatchObject({ code: 'keys-damaged' })
    })
})

describe('appending', () => {
  test('many facts become legal batches, each with its head', async () => {
    const { master } = await newMaster()
    await master.append(Array.from({ length: 2500 }, (_, i) => put(`rules/${i}.md`)))
    expect(master.head.seq).toBe(2501)
    expect(master.files.size).toBe(2500)
    expect((await master.append([])).seq).toBe(2501)
  })

  test('a fact against the rules is refused, and the log goes on', async () => {
    const { master } = await newMaster()
    await expect(master.append([put('a.md'), put('A.md')])).rejects.toMatchObject({ code: 'refused' })
    await expect(master.append([removed('none.md')])).rejects.toMatchObject({ code: 'refused' })
    expect(master.head.seq).toBe(1)
    await master.append([put('a.md')])
    expect(master.head.seq).toBe(2)
  })

  test('a failed compaction is not told of entries that are safe in the log', async () => {
    const { at, master } = await newMaster()
    // Large enough to want another segment: the signs of it are there, the bytes are not needed.
    Object.defineProperty(Log.prototype, 'wantsCompaction', { configurable: true, get: () => true })
    try {
      at.disk.failAt(at.disk.calls + 2, 'ENOSPC')
      await expect(master.append([put('a.md')])).rejects.toMatchObject({ code: 'disk-full' })
      expect(master.head.seq).toBe(1)
      await master.append([put('a.md')])
      expect(master.head.seq).toBe(2)
    } finally {
      Reflect.deleteProperty(Log.prototype, 'wantsCompaction')
    }
  })

  test('T7: an idle head has a newer time and says nothing new; a head under way is never signed', async () => {
    const { at, master } = await newMaster()
    await publish(master, 'AGENTS.md', 'one')
    const told = master.head
    await at.clock.advance(300_000)
    master.freshen()
    const idle = master.freshHead
    expect(idle.timeMs).toBe(told.timeMs + 300_000)
    for (const field of ['entry', 'state', 'revision'] as const) expect(idle[field]).toEqual(told[field])
    // Signed in the middle of an append that then fails: the next entry has the same number and another hash.
    const calls = at.disk.calls
    at.disk.failAt(calls + 1, 'ENOSPC')
    const failing = master.append([put('lost.md')])
    while (master.state.at.seq === master.head.seq) await Promise.resolve()
    master.freshen()
    await expect(failing).rejects.toMatchObject({ code: 'disk-full' })
    await master.append([put('kept.md')])
    expect(master.freshHead.entry.equals(master.head.entry)).toBe(true)
  })

  test('T24: a clock that jumps back does not stop the log', async () => {
    const { at, master } = await newMaster()
    at.clock.jumpTo(1_000)
    await master.append([put('a.md')])
    master.freshen()
    expect(master.freshHead.timeMs).toBeGreaterThanOrEqual(master.head.timeMs)
    const again = await openMaster(at)
    expect(again.head.seq).toBe(2)
  })

  test('whoever waits hears of every change, a failed one included', async () => {
    const { at, master } = await newMaster()
    let rings = 0
    const listen = () => master.moved.next().then(() => rings++)
    let heard = listen()
    await master.append([put('a.md')])
    await heard
    heard = listen()
    at.disk.failAt(at.disk.calls + 1, 'EIO')
    await master.append([put('b.md')]).catch(() => undefined)
    await heard
    expect(rings).toBe(2)
  })
})

describe('followers', () => {
  const applicant = (n: number) => ({
    ...enrolled(n).body,
    node: Buffer.from(enrolled(n).body.node),
    seal: Buffer.alloc(32, n),
  })

  test('Q4: a revoked key never enrols again, and nobody new gets in until the master is opened', async () => {
    const { at, master } = await newMaster()
    const node = applicant(1).node
    expect(master.standing(node)).toBe('unknown')
    const id = await master.enrol(applicant(1))
    expect(id).toBe(idOf(1))
    expect(master.standing(node)).toBe('enrolled')
    expect(master.mustApprove).toBe(false)
    await master.revoke(id)
    expect(master.standing(node)).toBe('revoked')
    expect(master.mustApprove).toBe(true)
    await expect(master.enrol(applicant(1))).rejects.toMatchObject({ code: 'refused' })
    const before = master.head.seq
    await master.revoke(id)
    await master.setApproval(true)
    expect(master.head.seq).toBe(before)
    await master.setApproval(false)
    expect(master.mustApprove).toBe(false)
    await master.close()
    const again = await openMaster(at)
    expect(again.standing(node)).toBe('revoked')
    expect(again.followers().map(({ id: one }) => one)).toEqual([idOf(1)])
  })

  test('a revocation while approval is asked for is one entry; an unknown machine is none', async () => {
    const { master } = await newMaster()
    await master.enrol(applicant(1))
    await master.setApproval(true)
    const before = master.head.seq
    await master.revoke(idOf(1))
    expect(master.head.seq).toBe(before + 1)
    const unknown = idOf(7) as FollowerId
    await expect(master.revoke(unknown)).rejects.toMatchObject({ code: 'refused' })
  })
})

/** A master with two files, a backup of it after the first, and a follower that has all. */
async function restored(more = 3) {
  const { at, master } = await newMaster()
  await publish(master, 'AGENTS.md', 'one')
  const backup = backupOf(at, 11)
  for (let n = 0; n < more; n++) await publish(master, `rules/${n}.md`, `${n}`)
  const follower = await openFollower(machine(21))
  await join(master, follower)
  return { master, backup, follower, records: await recordsOf(master, 3) }
}

describe('S59: how a follower stands', () => {
  test('new, behind, level, ahead', async () => {
    const { master, backup } = await restored()
    const { master: stranger } = await newMaster(9)
    expect(await master.relate(null)).toBe('new')
    expect(await master.relate(stranger.head.bytes)).toBe('new')
    expect(await master.relate(master.head.bytes)).toBe('level')
    master.freshen()
    expect(await master.relate(master.freshHead.bytes)).toBe('level')
    const old = await openMaster(backup)
    expect(await master.relate(old.head.bytes)).toBe('behind')
    expect(await old.relate(master.head.bytes)).toBe('ahead')
    expect(await master.relate(Buffer.alloc(211))).toMatchObject({ refused: 'protocol' })
  })

  test('behind is known after a restart too, and beyond a compaction', async () => {
    const { at, master } = await newMaster()
    const heads = []
    for (let n = 0; n < 600; n += 50) {
      await master.append(Array.from({ length: 50 }, (_, i) => put(`rules/${n + i}.md`)))
      heads.push(master.head)
    }
    await master.close()
    const again = await openMaster(at)
    for (const head of heads.slice(0, -1)) expect(await again.relate(head.bytes)).toBe('behind')
    await again.compact(0)
    for (const head of heads.slice(0, -1)) expect(await again.relate(head.bytes)).toBe('behind')
  })

  test('a head that somebody else signed halts nothing, ahead or behind', async () => {
    const { master, backup } = await restored()
    const old = await openMaster(backup)
    for (const real of [old.head, master.head]) {
      const forged = Buffer.from(real.bytes)
      // Another entry hash under the old signature.
      forged[40] = (forged[40] ?? 0) ^ 1
      expect(await master.relate(forged)).toMatchObject({ refused: 'bad-signature' })
      expect(await old.relate(forged)).toMatchObject({ refused: 'bad-signature' })
    }
    expect(master.forked).toBeNull()
    await master.append([put('on.md')])
    await old.append([put('on.md')])
  })

  test('a lost tail stops the master until it is back, whatever the first follower sends', async () => {
    const { master, backup, records } = await restored()
    const old = await openMaster(backup)
    expect(await old.relate(master.head.bytes)).toBe('ahead')
    await expect(old.append([put('new.md')])).rejects.toMatchObject({ code: 'rollback' })
    await expect(old.compact()).rejects.toMatchObject({ code: 'rollback' })
    for (const lie of [
      [],
      records.slice(0, -1),
      records.slice(2),
      [...records].reverse(),
      [records[0], records[0], ...records].flatMap((one) => one ?? []),
      [...records.slice(0, 2), Buffer.from('nonsense'), ...records.slice(2)],
      // Entries of ours that were never there, and a genuine head behind them.
      [Buffer.from('9105', 'hex'), old.head.bytes],
    ]) {
      const before = old.head.seq
      const answer = await old.takeBack(lie)
      if (isRefusal(answer)) expect(answer.refused).toBe('protocol')
      expect(old.head.seq).toBeGreaterThanOrEqual(before)
      if (old.head.seq < master.head.seq)
        await expect(old.append([put('new.md')])).rejects.toMatchObject({ code: 'rollback' })
    }
    expect(old.forked).toBeNull()
    expect(isRefusal(await old.takeBack(records))).toBe(false)
    expect(old.head.entry).toEqual(master.head.entry)
    await old.append([put('new.md')])
  })

  test('two followers that give back the same tail are both honest', async () => {
    const { master, backup, records } = await restored()
    const old = await openMaster(backup)
    await old.relate(master.head.bytes)
    expect(await old.takeBack(records.slice(0, 2))).toMatchObject({ seq: 3 })
    expect(await old.takeBack(records)).toMatchObject({ seq: master.head.seq })
    expect(await old.takeBack(records)).toMatchObject({ seq: master.head.seq })
    expect(old.forked).toBeNull()
  })

  test('contents of a lost tail that are not here are named, the superseded ones not', async () => {
    const { master, backup, follower } = await restored()
    await publish(master, 'rules/0.md', 'newer')
    await master.append([removed('rules/1.md')])
    const records = await recordsOf(master, 3)
    const old = await openMaster(backup)
    const lacking = await old.lacking(records)
    assert(!isRefusal(lacking), 'an honest tail is ours')
    expect(lacking).toHaveLength(2)
    await follower.takeRun(
      await recordsOf(master, (follower.head?.seq ?? 0) + 1),
      keysOf(master),
      fetchFrom(master, follower),
    )
    for (const hash of lacking) await old.blobs.put(follower.blobs.read(hash), hash)
    await old.takeBack(records)
    expect(await old.lacking(records)).toEqual([])
  })
})

const keysOf = (master: Master) => {
  const keys = master.state.keys
  if (!keys) throw new Error('a log has its charter')
  return keys
}

describe('S59, T6: a fork', () => {
  /** What happens next on the restored master: `n` entries of its own. */
  async function divided(own: number) {
    const world = await restored()
    const old = await openMaster(world.backup)
    for (let n = 0; n < own; n++) await publish(old, `other/${n}.md`, `${n}`)
    return { ...world, old }
  }

  async function expectHalted(old: Master, backup: Machine) {
    expect(old.forked).not.toBeNull()
    await expect(old.append([put('more.md')])).rejects.toMatchObject({ code: 'fork' })
    await expect(old.takeBack([])).rejects.toMatchObject({ code: 'fork' })
    const [kept, ...others] = evidenceOf(backup)
    expect(others).toEqual([])
    expect(kept && judge(kept.content)).toBe('fork')
    // Not forgotten by a restart, until a person has judged.
    const again = await openMaster(backup)
    await expect(again.append([put('more.md')])).rejects.toMatchObject({ code: 'fork' })
    expect(await settleEvidence(backup.disk, masterHome)).toBe(1)
    const settled = await openMaster(backup)
    await settled.append([put('more.md')])
  }

  test('the follower has another entry with our newest number', async () => {
    const { old, backup, follower } = await divided(3)
    expect(await old.relate(follower.head?.bytes ?? null)).toMatchObject({ refused: 'fork' })
    await expectHalted(old, backup)
  })

  test('the follower is behind, with an entry that is not ours', async () => {
    const { old, backup, follower } = await divided(5)
    expect(await old.relate(follower.head?.bytes ?? null)).toMatchObject({ refused: 'fork' })
    await expectHalted(old, backup)
  })

  test('the follower is ahead, and its tail does not follow from ours', async () => {
    const { old, backup, follower, master } = await divided(1)
    expect(await old.relate(follower.head?.bytes ?? null)).toBe('ahead')
    expect(await old.takeBack(await recordsOf(master, old.head.seq + 1))).toMatchObject({ refused: 'fork' })
    await expectHalted(old, backup)
  })

  test('shown again and again it is kept once', async () => {
    const { old, backup, follower } = await divided(3)
    for (let n = 0; n < 5; n++) await old.relate(follower.head?.bytes ?? null)
    expect(evidenceOf(backup)).toHaveLength(1)
  })

  test('nothing is appended, even where the evidence cannot be written', async () => {
    const { old, backup, follower } = await divided(3)
    backup.disk.failAt(backup.disk.calls + 1, 'ENOSPC')
    await expect(old.relate(follower.head?.bytes ?? null)).rejects.toMatchObject({ code: 'disk-full' })
    await expect(old.append([put('more.md')])).rejects.toMatchObject({ code: 'fork' })
  })

  test(`more than ${evidenceMax} findings are not kept, and the last one halts as the first`, async () => {
    const { old, backup } = await divided(3)
    const others = backupOf(backup, 12)
    for (let n = 0; n < evidenceMax + 3; n++)
      backup.disk.plantFile(
        `${masterHome}/evidence/fork-0000000000000004-${String(n).padStart(4, '0')}.json`,
        '{}',
      )
    const other = await openMaster(others)
    await publish(other, 'third.md', 'x')
    await publish(old, 'fourth.md', 'x')
    expect(await old.relate(other.head.bytes)).toMatchObject({ refused: 'fork' })
    expect(evidenceOf(backup)).toHaveLength(evidenceMax + 3)
    expect(old.forked).not.toBeNull()
  })
})

describe('contents', () => {
  test('a sweep keeps what canonical files need', async () => {
    const { master } = await newMaster()
    await publish(master, 'a.md', 'one')
    await publish(master, 'a.md', 'two')
    await publish(master, 'b.md', 'two')
    expect(await master.sweep()).toBe(1)
    for (const { blob } of master.files.values()) expect(await master.blobs.isSound(blob)).toBe(true)
  })
})
