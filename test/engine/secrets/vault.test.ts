/** The master's secrets: sealed when they change and only then, published whole, shredded when superseded. */
import { describe, expect, test } from 'vitest'
import { currentEpoch, currentWraps } from '../../../engine/fold/reducers/epoch.ts'
import { readWraps } from '../../../engine/secrets/wraps.ts'
import { assert, isRefusal } from '../../../schemas/fault.ts'
import { draftEntriesMax, secretsMax } from '../../../schemas/limits.ts'
import { home } from '../fixture.ts'
import { at, type Machine, stemmaHome, World } from '../machines.ts'
import { blobsOf, canary, closedOf, contentOf, opened, plainOf, vaultPath } from './opened.ts'

describe('S7: what is sealed', () => {
  test('travels to every enrolled machine, and lies in plain text nowhere but in the homes', async () => {
    const world = await World.make({
      '.env': `KEY=${canary}`,
      'skills/a/.env': `B=${canary}`,
      'AGENTS.md': 'a',
    })
    const one = await world.join(2)
    expect(await plainOf(one)).toEqual({ '.env': `KEY=${canary}`, 'skills/a/.env': `B=${canary}` })
    for (const disk of [world.disk, one.disk])
      for (const path of disk.paths(stemmaHome))
        expect(disk.peek(path)?.includes(canary) ?? false, path).toBe(false)
    expect(((await world.disk.stat(vaultPath))?.mode ?? 0) & 0o777).toBe(0o600)
  })

  test('S24: a content id changes when the plain text does, and only then', async () => {
    const world = await World.make({ '.env': 'A=1', 'mise.toml': '[tools]\n' })
    const [env, mise] = [contentOf(world, '.env'), contentOf(world, 'mise.toml')]
    const before = world.master.head
    expect((await world.publish({})).entries).toBe(0)
    expect((await world.publish({ '.env': 'A=1' })).entries).toBe(0)
    expect(world.master.head.seq).toBe(before.seq)
    await world.publish({ '.env': 'A=2' })
    expect(contentOf(world, '.env')).not.toBe(env)
    expect(contentOf(world, 'mise.toml')).toBe(mise)
    const second = contentOf(world, '.env')
    await world.publish({ '.env': 'A=1' })
    // The same text as at first, and nobody can tell by the log.
    expect([env, second]).not.toContain(contentOf(world, '.env'))
  })

  test('S34: the executable bit alone travels without a new content', async () => {
    const world = await World.make({ '.env': 'A=1' })
    const one = await world.join(2)
    const [content, blobs] = [contentOf(world, '.env'), blobsOf(world).length]
    await world.publish({ '.env*': 'A=1' })
    expect(contentOf(world, '.env')).toBe(content)
    expect(blobsOf(world).length).toBeLessThanOrEqual(blobs + 1)
    await world.sync(one)
    expect((await opened(one)).secrets.get(home('.env'))?.exec).toBe(true)
  })

  test('two files with one content look like two contents', async () => {
    const world = await World.make({ '.env': 'same', 'skills/a/.env': 'same' })
    expect(contentOf(world, '.env')).not.toBe(contentOf(world, 'skills/a/.env'))
    const ledger = JSON.parse(world.disk.peek(vaultPath)?.toString() ?? '')
    expect(ledger.live['.env'].digest).not.toBe(ledger.live['skills/a/.env'].digest)
  })

  test('a removed secret is gone from the log, from the wraps, and, once swept, from the disk (N4)', async () => {
    const world = await World.make({ '.env': 'A=1', 'mise.toml': 'x = 1' })
    const one = await world.join(2)
    await world.update(one)
    await world.publish({ '.env': null })
    await world.sync(one)
    expect(await plainOf(one)).toEqual({ 'mise.toml': 'x = 1' })
    await world.master.sweep()
    await one.follower.sweep()
    for (const machine of [world, one]) expect(blobsOf(machine)).toHaveLength(2)
    const wraps = currentWraps(world.master.state)
    const read = readWraps((wraps && (await world.master.blobs.readWhole(wraps))) ?? Buffer.alloc(0))
    expect(isRefusal(read) || read.rows.length).toBe(1)
  })

  test('S25: a secret that cannot be read stays; the others go on', async () => {
    const world = await World.make({ '.env': 'A=1', 'mise.toml': 'x = 1' })
    const content = contentOf(world, '.env')
    await world.disk.chmod(at('.env'), 0)
    const { warnings } = await world.publish({ 'mise.toml': 'x = 2' })
    expect(warnings.map(({ kind, path }) => `${kind} ${path}`)).toEqual(['unreadable .env'])
    expect(contentOf(world, '.env')).toBe(content)
    const one = await world.join(2)
    expect(await plainOf(one)).toEqual({ '.env': 'A=1', 'mise.toml': 'x = 2' })
  })

  test('a home without secrets needs no epoch, and its log says nothing of one', async () => {
    const world = await World.make({ 'AGENTS.md': 'a' })
    await world.publish({ 'AGENTS.md': 'b' })
    expect(world.master.head.seq).toBe(3)
    expect(currentEpoch(world.master.state)).toBe(0)
    const one = await world.join(2)
    await world.publish({ '.env': 'A=1' })
    await world.sync(one)
    expect(await plainOf(one)).toEqual({ '.env': 'A=1' })
    await world.publish({ '.env': null })
    await world.sync(one)
    expect(await opened(one)).toEqual({ secrets: new Map(), closed: new Map() })
  })

  test('Q3: one secret more than a home may have is told, and stays out', async () => {
    const home = Object.fromEntries(
      Array.from({ length: secretsMax + 2 }, (_, n) => [`skills/s${n}/.env`, `A=${n}`]),
    )
    const world = await World.make()
    const { refused } = await world.publish(home)
    expect(refused.map(({ refusal }) => refusal.refused)).toEqual(['too-many', 'too-many'])
    const [epoch, { seq }] = [currentEpoch(world.master.state), world.master.head]
    expect((await world.publish({})).entries).toBe(0)
    expect([currentEpoch(world.master.state), world.master.head.seq]).toEqual([epoch, seq])
    const one = await world.join(2)
    expect((await opened(one)).secrets.size).toBe(secretsMax)
  })
})

/** A head's first byte. */
const headMark = 0x73
const give = async ({ master }: World, { follower }: Machine, payloads: readonly Uint8Array[]) => {
  assert(master.state.keys, 'it has its charter')
  const taken = await follower.takeRun(payloads, master.state.keys, async (hashes) => {
    for (const hash of hashes) {
      const bytes = await master.blobs.readWhole(hash)
      assert(bytes, 'the master has it')
      await follower.blobs.put([bytes], hash)
    }
  })
  expect(taken).toBe(null)
}

describe('S26: what is published together', () => {
  test('a secret and its key are never apart, however long the batch; each head along the way opens', async () => {
    const files = Object.fromEntries(
      Array.from({ length: draftEntriesMax - 5 }, (_, n) => [`prompts/${n}.md`, `${n}`]),
    )
    const secrets = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`skills/s${n}/.env`, `A=${n}`]))
    const world = await World.make({ '.env': 'A=0' })
    const one = await world.join(2)
    const before = world.master.head.seq
    await world.publish({ ...files, ...secrets, '.env': 'A=new' })
    let batch: Uint8Array[] = []
    const seen: number[] = []
    for await (const run of world.master.log.records(before + 1))
      for (const payload of run) {
        batch.push(payload)
        if (payload[0] !== headMark) continue
        await give(world, one, batch)
        batch = []
        expect(await closedOf(one)).toEqual([])
        seen.push((await opened(one)).secrets.size)
      }
    // The secrets stand in the second batch, all of them.
    expect(seen).toEqual([1, 31])
  })

  test('a secret that makes way for a folder, a plain file that becomes a secret, and back', async () => {
    const world = await World.make({ 'skills/a/.env': 'A=1', 'skills/b/.env/x.md': 'x' })
    const one = await world.join(2)
    await world.publish({ 'skills/a/.env': null, 'skills/b/.env/x.md': null })
    await world.disk.removeDir(at('skills/b/.env'))
    await world.publish({ 'skills/a/.env/deep.md': 'y', 'skills/b/.env': 'B=1' })
    await world.update(one)
    expect(one.text('skills/a/.env/deep.md')).toBe('y')
    expect(one.text('skills/b/.env')).toBe('B=1')
  })

  test('in one look: a secret file is a folder now', async () => {
    const world = await World.make({ 'skills/a/.env': 'A=1' })
    const one = await world.join(2)
    await world.update(one)
    await world.disk.unlink(at('skills/a/.env'))
    await world.publish({ 'skills/a/.env/deep.md': 'y' })
    await world.update(one)
    expect(one.text('skills/a/.env/deep.md')).toBe('y')
  })

  test('looks, enrolments and revocations at once come one after the other', async () => {
    const world = await World.make({ '.env': 'A=1' })
    const machines = await Promise.all([2, 3, 4].map((seed) => world.join(seed)))
    const [first, second, third] = machines
    assert(first && second && third, 'three machines')
    const more = [5, 6].map((seed) => world.join(seed))
    await Promise.all([
      world.publish({ '.env': 'A=2' }),
      world.master.revoke(first.follower.id),
      world.publish({ 'mise.toml': 'x = 1' }),
      ...more,
      world.master.revoke(second.follower.id),
      world.master.revoke(second.follower.id),
      world.master.sweep(),
    ])
    expect(currentEpoch(world.master.state)).toBe(3)
    for (const machine of [third, ...(await Promise.all(more))]) {
      await world.sync(machine)
      expect(await plainOf(machine)).toEqual({ '.env': 'A=2', 'mise.toml': 'x = 1' })
    }
  })
})

describe('N4: superseded secrets', () => {
  test('leave master and follower, their keys too, and the chain still verifies', async () => {
    const world = await World.make({ '.env': 'A=0' })
    const one = await world.join(2)
    for (let n = 1; n <= 5; n++) {
      await world.publish({ '.env': `A=${n}` })
      await world.update(one)
    }
    await world.master.sweep()
    await one.follower.sweep()
    for (const machine of [world, one]) expect(blobsOf(machine)).toHaveLength(2)
    // A newcomer replays every entry of the chain from the first one on.
    await world.restart()
    const whole: Uint8Array[] = []
    for await (const run of world.master.log.records(1)) whole.push(...run)
    expect(whole.length).toBeGreaterThan(world.master.head.seq)
    const late = await world.join(3)
    expect(await plainOf(late)).toEqual({ '.env': 'A=5' })
    await world.sync(one)
    expect(await plainOf(one)).toEqual({ '.env': 'A=5' })
  })

  test('a sweep leaves everything that the newest state needs', async () => {
    const world = await World.make({ '.env': 'A=1', 'mise.toml': 'x = 1', 'AGENTS.md': 'a' })
    const one = await world.join(2)
    expect(await world.master.sweep()).toBe(0)
    expect(await one.follower.sweep()).toBe(0)
    expect(await plainOf(one)).toEqual({ '.env': 'A=1', 'mise.toml': 'x = 1' })
  })
})
