/** Epochs: who can open what after a revocation, a lost vault, a restored master, damage at a follower. */
import { describe, expect, test } from 'vitest'
import { currentEpoch, currentWraps } from '../../../engine/fold/reducers/epoch.ts'
import { openSecrets } from '../../../engine/secrets/reader.ts'
import { assert, isRefusal } from '../../../schemas/fault.ts'
import type { Hash } from '../../../schemas/shape.ts'
import { at, enrol, look, Machine, openMaster, portsOf, sync, World } from '../machines.ts'
import { blobsOf, canary, closedOf, contentOf, plainOf, vaultPath } from './opened.ts'

describe('Q4: a revoked machine', () => {
  test('opens nothing of the new epoch, though it had the old one and gets all bytes', async () => {
    const world = await World.make({ '.env': 'A=1' })
    const [good, bad] = [await world.join(2), await world.join(3)]
    await world.master.revoke(bad.follower.id)
    await world.publish({ '.env': `A=${canary}` })
    // It is cut off, so these bytes would have to reach it by another way.
    await world.sync(bad)
    await world.sync(good)
    expect(await plainOf(good)).toEqual({ '.env': `A=${canary}` })
    expect(await plainOf(bad)).toEqual({})
    expect(await closedOf(bad)).toEqual(['.env: waiting'])
    await expect(world.master.enrol({ ...nodeOf(bad), name: 'again', platform: 'linux' })).rejects.toThrow(
      'already known',
    )
  })

  test('three revocations while a machine sleeps: it needs only what is newest', async () => {
    const world = await World.make({ '.env': 'A=1' })
    const asleep = await world.join(2)
    for (const seed of [3, 4, 5]) {
      const { follower } = await world.join(seed)
      await world.master.revoke(follower.id)
    }
    await world.publish({ 'mise.toml': 'x = 1' })
    await world.master.sweep()
    await world.sync(asleep)
    expect(await plainOf(asleep)).toEqual({ '.env': 'A=1', 'mise.toml': 'x = 1' })
    expect(currentEpoch(world.master.state)).toBe(4)
  })

  test('the same, by a base: the history is not there any more', async () => {
    const world = await World.make({ '.env': 'A=1' })
    const asleep = await world.join(2)
    for (const seed of [3, 4, 5]) {
      const { follower } = await world.join(seed)
      await world.master.revoke(follower.id)
      await world.master.compact(0)
    }
    await world.publish({ '.env': 'A=2' })
    await world.master.compact(0)
    await world.master.sweep()
    expect(await world.master.log.oldest()).toBeGreaterThan((asleep.follower.head?.seq ?? 0) + 1)
    await world.sync(asleep)
    expect(await plainOf(asleep)).toEqual({ '.env': 'A=2' })
  })

  test('Q3: only the wraps come with a length that nobody knew before', async () => {
    const world = await World.make({ 'AGENTS.md': 'plain', '.env': 'A=1', 'mise.toml': 'x = 1' })
    const { follower } = await Machine.make(2)
    await enrol(world.master, follower, 'machine 2')
    const { parts, head } = await world.master.log.base()
    const { keys } = world.master.state
    assert(keys, 'a master has its charter')
    const unknown: Hash[] = []
    await follower.takeBase(parts, head, keys, async (hashes, sizes) => {
      for (const hash of hashes) {
        const bytes = await world.master.blobs.readWhole(hash)
        assert(bytes, 'the master has what its log names')
        if (!sizes.has(hash)) unknown.push(hash)
        else expect(sizes.get(hash)).toBe(bytes.length)
        await follower.blobs.put([bytes], hash)
      }
    })
    expect(unknown).toEqual([currentWraps(world.master.state)])
  })

  test('the ciphertexts stay as they are: what is wrapped anew are their keys', async () => {
    const world = await World.make({ '.env': 'A=1' })
    const bad = await world.join(2)
    const [content, before] = [contentOf(world, '.env'), blobsOf(world)]
    await world.master.revoke(bad.follower.id)
    await world.master.sweep()
    expect(contentOf(world, '.env')).toBe(content)
    expect(blobsOf(world).filter((path) => before.includes(path))).toHaveLength(1)
    expect(Object.keys(JSON.parse(world.disk.peek(vaultPath)?.toString() ?? '').epochs)).toEqual(['2'])
  })
})
const nodeOf = ({ follower: { keys } }: Machine) => ({ node: keys.node.public, seal: keys.seal.public })

describe('a vault that is lost', () => {
  const lost: readonly (readonly [string, (world: World) => Promise<unknown>])[] = [
    ['missing', ({ disk }) => disk.unlink(vaultPath)],
    ['empty', async ({ disk }) => disk.plantFile(vaultPath, '', 0o600)],
    ['of another shape', async ({ disk }) => disk.plantFile(vaultPath, '{"epochs":{}}', 0o600)],
    ['half written', async ({ disk }) => disk.plantFile(vaultPath, '{"digestKey":"00', 0o600)],
    ['far too long', async ({ disk }) => disk.plantFile(vaultPath, Buffer.alloc(2 ** 21), 0o600)],
  ]
  test.each(lost)('%s: everything is sealed anew under a new epoch, once', async (_, lose) => {
    const world = await World.make({ '.env': 'A=1', 'mise.toml': 'x = 1' })
    const one = await world.join(2)
    const content = contentOf(world, '.env')
    await lose(world)
    await world.restart()
    await world.publish({})
    expect(currentEpoch(world.master.state)).toBe(2)
    expect(contentOf(world, '.env')).not.toBe(content)
    expect((await world.publish({})).entries).toBe(0)
    await world.sync(one)
    expect(await plainOf(one)).toEqual({ '.env': 'A=1', 'mise.toml': 'x = 1' })
  })

  test('while one secret is unreadable: it waits, and costs the others nothing', async () => {
    const world = await World.make({ '.env': 'A=1', 'mise.toml': 'x = 1', 'AGENTS.md': 'a' })
    const one = await world.join(2)
    await world.update(one)
    await world.disk.unlink(vaultPath)
    await world.restart()
    await world.disk.chmod(at('.env'), 0)
    await world.publish({ 'mise.toml': 'x = 2', 'AGENTS.md': 'b' })
    const result = await world.update(one)
    expect(result.left.map(({ path }) => path)).toEqual(['.env'])
    expect([one.text('.env'), one.text('mise.toml'), one.text('AGENTS.md')]).toEqual(['A=1', 'x = 2', 'b'])
    await world.disk.chmod(at('.env'), 0o600)
    await world.publish({ '.env': 'A=3' })
    expect((await world.update(one)).left).toEqual([])
    expect(one.text('.env')).toBe('A=3')
  })

  test('a machine that enrols, or is revoked, before the next look: plain files come at once', async () => {
    const world = await World.make({ '.env': 'A=1', 'AGENTS.md': 'a' })
    const old = await world.join(2)
    await world.disk.unlink(vaultPath)
    await world.restart()
    const fresh = await world.join(3)
    expect((await fresh.keeper.apply()).left.map(({ path }) => path)).toEqual(['.env'])
    expect([fresh.text('AGENTS.md'), fresh.text('.env')]).toEqual(['a', null])
    await world.master.revoke(old.follower.id)
    await world.update(fresh)
    expect(fresh.text('.env')).toBe(null)
    await world.publish({})
    expect((await world.update(fresh)).left).toEqual([])
    expect(fresh.text('.env')).toBe('A=1')
  })

  test('wraps or ciphertexts lost at the master: sealed anew', async () => {
    const world = await World.make({ '.env': 'A=1' })
    for (const path of blobsOf(world)) await world.disk.unlink(path)
    await world.publish({})
    const one = await world.join(2)
    expect(await plainOf(one)).toEqual({ '.env': 'A=1' })
  })
})

describe('S59: a master that was restored from a backup', () => {
  const restored = async (after: (world: World) => Promise<unknown>) => {
    const world = await World.make({ '.env': 'A=1', 'mise.toml': 'x = 1' })
    const [one, two] = [await world.join(2), await world.join(3)]
    const backup = world.disk.settled()
    await after(world)
    await world.sync(one)
    const ports = portsOf(9)
    const master = await openMaster(backup, ports)
    const payloads: Uint8Array[] = []
    for await (const run of one.follower.log?.records(master.head.seq + 1) ?? []) payloads.push(...run)
    for (let turn = 0; turn < 2; turn++) {
      const lacking = await master.lacking(payloads)
      assert(!isRefusal(lacking), 'the tail is our own')
      for (const hash of lacking) {
        const bytes = await one.follower.blobs.readWhole(hash)
        if (bytes) await master.blobs.put([bytes], hash)
      }
    }
    assert(!isRefusal(await master.takeBack(payloads)), 'the tail is taken back')
    return { master, backup, ports, one, two }
  }

  test('with the epoch key: it goes on, and other machines can take the tail', async () => {
    const { master, backup, ports, two } = await restored((world) => world.publish({ '.env': 'A=2' }))
    expect(await sync(master, two.follower)).toBe(null)
    expect(await plainOf(two)).toEqual({ '.env': 'A=2', 'mise.toml': 'x = 1' })
    // Its home is the old one: what lies there is what is published now.
    await look(backup, ports, master)
    expect(currentEpoch(master.state)).toBe(1)
    await sync(master, two.follower)
    expect(await plainOf(two)).toEqual({ '.env': 'A=1', 'mise.toml': 'x = 1' })
  })

  test('without the epoch key: a new epoch, and everything sealed anew', async () => {
    const { master, backup, ports, one, two } = await restored(async (world) => {
      const bad = await world.join(4)
      await world.master.revoke(bad.follower.id)
    })
    expect(currentEpoch(master.state)).toBe(2)
    await look(backup, ports, master)
    expect(currentEpoch(master.state)).toBe(3)
    for (const machine of [one, two]) {
      await sync(master, machine.follower)
      expect(await plainOf(machine)).toEqual({ '.env': 'A=1', 'mise.toml': 'x = 1' })
    }
  })
})

describe('S26: the follower', () => {
  test('fetches a damaged ciphertext or list of keys again; until then the file waits', async () => {
    const world = await World.make({ '.env': 'A=1', 'AGENTS.md': 'a' })
    const one = await world.join(2)
    for (const path of blobsOf(one)) {
      const whole = one.disk.peek(path) ?? Buffer.alloc(0)
      if (whole.equals(Buffer.from('a'))) continue
      one.disk.plantFile(path, Buffer.concat([whole.subarray(0, -1), Buffer.from([0x5a])]), 0o600)
      expect(await closedOf(one)).toEqual(['.env: blob-damaged'])
      const result = await one.keeper.apply()
      expect(result.left.map((left) => left.path)).toEqual(['.env'])
      await world.sync(one)
      expect(await plainOf(one)).toEqual({ '.env': 'A=1' })
    }
    expect((await one.keeper.apply()).left).toEqual([])
    expect(one.text('.env')).toBe('A=1')
  })

  test('with another seal key opens nothing, says so, and keeps the rest', async () => {
    const world = await World.make({ '.env': 'A=1', 'AGENTS.md': 'a' })
    const [one, two] = [await world.join(2), await world.join(3)]
    assert(one.follower.state, 'it has a log')
    const swapped = await openSecrets(
      one.follower.state,
      one.follower.blobs,
      one.follower.id,
      two.follower.keys.seal,
    )
    expect([...swapped.closed.values()].map(({ refused }) => refused)).toEqual(['bad-signature'])
    expect(swapped.secrets.size).toBe(0)
  })
})
