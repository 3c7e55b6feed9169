/** Disks that are full, damaged, closed or gone: said in one sentence, and nothing that was said before is lost. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { type Machine, onLoopback } from './machine.ts'
import { begin, expectDone, expectTrouble, linkOf, make, removeAll, serveArgs } from './trouble.ts'

afterAll(removeAll)

describe('a Codex home that is not there', () => {
  test('S1: no master without a home; a master whose home went away says so, and goes on when it is back', async () => {
    const master = make('homeless')
    const away = `${master.codexHome}.away`
    renameSync(master.codexHome, away)
    expect(await expectTrouble(master, ['master', 'init'], 'home-missing')).toContain(master.codexHome)
    expect(existsSync(join(master.stemmaHome, 'local.toml'))).toBe(false)
    renameSync(away, master.codexHome)
    const server = await begin(master)
    const before = (await master.stemma('status', '--json')).json()
    await server.stop()
    renameSync(master.codexHome, away)
    await expectTrouble(master, serveArgs, 'home-missing')
    renameSync(away, master.codexHome)
    await master.serve(...onLoopback)
    expect((await master.stemma('status', '--json')).json()).toMatchObject({
      seq: before['seq'],
      revision: before['revision'],
    })
  })

  test('S25: a home that goes away under a running master is no removal of every file', async () => {
    const master = make('moved')
    const server = await begin(master)
    const before = (await master.stemma('status', '--json')).json()
    renameSync(master.codexHome, `${master.codexHome}.away`)
    await expectTrouble(master, ['master', 'rebuild'], 'home-missing')
    expect((await master.stemma('status', '--json')).json()).toMatchObject({ seq: before['seq'], files: 1 })
    renameSync(`${master.codexHome}.away`, master.codexHome)
    master.write('AGENTS.md', 'back\n')
    await server.event('published', (said) => Number(said['seq']) > Number(before['seq']))
    expect(await server.stop()).toBe(0)
  })
})

describe('an init that was cut off', () => {
  test('S1: before it was told of begins anew; a log with anything in it is never cleared away', async () => {
    const master = make('cut')
    const init = (await master.stemma('master', 'init', '--json')).json()
    rmSync(join(master.stemmaHome, 'local.toml'))
    await expectTrouble(master, ['status'], 'not-initialised')
    const again = (await master.stemma('master', 'init', '--json')).json()
    expect(again['log']).not.toBe(init['log'])
    expect(again['recovery']).not.toBe(init['recovery'])
    master.write('AGENTS.md', 'first\n')
    const server = await master.serve(...onLoopback)
    await server.stop()
    const kept = readdirSync(join(master.stemmaHome, 'log'))
    rmSync(join(master.stemmaHome, 'local.toml'))
    await expectTrouble(master, ['master', 'init'], 'already-initialised')
    expect(readdirSync(join(master.stemmaHome, 'log'))).toEqual(kept)
    writeFileSync(join(master.stemmaHome, 'local.toml'), 'role = "master"\n')
    expect((await master.stemma('status', '--json')).json()).toMatchObject({ log: again['log'], files: 1 })
  })
})

describe('a damaged log', () => {
  const newest = (machine: Machine): string => {
    const dir = join(machine.stemmaHome, 'log')
    const name = readdirSync(dir)
      .filter((one) => one.endsWith('.seg'))
      .sort()
      .at(-1)
    return join(dir, name ?? '')
  }
  const flip = (file: string, at: number): void => {
    const bytes = readFileSync(file)
    bytes[at] = (bytes[at] ?? 0) ^ 0x10
    writeFileSync(file, bytes)
  }

  test('Q1: of a master is not written to, and says where; whole again it goes on', async () => {
    const master = make('damaged')
    let server = await begin(master)
    const follower = make('beside')
    expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes'))
    for (let n = 0; n < 5; n++) {
      const before = Number((await master.stemma('status', '--json')).json()['seq'])
      master.write('AGENTS.md', `${n}\n`)
      await server.event('published', (said) => Number(said['seq']) > before)
    }
    await server.stop()
    const file = newest(master)
    const sound = readFileSync(file)
    flip(file, Math.floor(sound.length / 2))
    const damaged = readFileSync(file)
    master.write('AGENTS.md', 'unpublished\n')
    for (const args of [serveArgs, ['master', 'rebuild'], ['master', 'open']]) {
      const run = await master.stemma(...args)
      if (args[1] === 'open' && run.code === 0) continue
      expect(await expectTrouble(master, args, 'log-damaged')).toContain('byte')
    }
    expect(readFileSync(file).equals(damaged)).toBe(true)
    writeFileSync(file, sound)
    server = await master.serve(...onLoopback)
    expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes'))
    expect(follower.read('AGENTS.md')).toBe('unpublished\n')
    await server.stop()
  })

  test('Q2: of a follower is reported, and its home is not touched', async () => {
    const master = make('sound')
    const server = await begin(master)
    const follower = make('hurt')
    expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes'))
    for (let n = 0; n < 5; n++) {
      const before = Number((await master.stemma('status', '--json')).json()['seq'])
      master.write('AGENTS.md', `${n}\n`)
      await server.event('published', (said) => Number(said['seq']) > before)
      expectDone(await follower.stemma('sync'))
    }
    const file = newest(follower)
    const sound = readFileSync(file)
    flip(file, Math.floor(sound.length / 2))
    master.write('AGENTS.md', 'new\n')
    await server.event('published', (said) => Number(said['seq']) > 7)
    await expectTrouble(follower, ['sync'], 'copy-damaged')
    expect(follower.read('AGENTS.md')).toBe('4\n')
    // Whole again it goes on. The master is not impressed by a follower's trouble.
    const damaged = readFileSync(file)
    writeFileSync(file, sound)
    expectDone(await follower.stemma('sync'))
    expect(follower.read('AGENTS.md')).toBe('new\n')
    // What the hint says works, too: a fresh copy. The damaged one is kept.
    writeFileSync(file, damaged)
    const left = (await follower.stemma('follower', 'leave', '--json')).json()
    expect(readFileSync(join(String(left['kept']), basename(file))).equals(damaged)).toBe(true)
    expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes'))
    expectDone(await follower.stemma('sync'))
    expect(await server.stop()).toBe(0)
  })

  test('Q1: bytes torn off its end are cut, kept aside, and nothing that was said is lost', async () => {
    const master = make('torn')
    let server = await begin(master)
    const before = (await master.stemma('status', '--json')).json()
    await server.kill()
    const file = newest(master)
    const size = statSync(file).size
    writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from('half a record')]))
    server = await master.serve(...onLoopback)
    expect((await master.stemma('status', '--json')).json()).toMatchObject({
      seq: before['seq'],
      revision: before['revision'],
    })
    expect(statSync(file).size).toBe(size)
    expect(readdirSync(join(master.stemmaHome, 'log')).some((name) => name.startsWith('torn-'))).toBe(true)
    await server.stop()
  })
})

describe('contents that are not there', () => {
  test('S42: apply does not begin what it could not finish; the next sync fetches what is missing', async () => {
    const master = make('complete')
    const server = await begin(master)
    const follower = make('incomplete')
    expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes'))
    const blobs = join(follower.stemmaHome, 'blobs')
    for (const name of readdirSync(blobs)) rmSync(join(blobs, name))
    await expectTrouble(follower, ['apply'], 'incomplete')
    expect(follower.read('AGENTS.md')).toBe('first\n')
    expectDone(await follower.stemma('sync'))
    expectDone(await follower.stemma('apply'))
    await server.stop()
  })
})

/** Root is asked no permission, unless it gives that right away. */
const asUser =
  process.getuid?.() === 0
    ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search', '--inh-caps=-all']
    : []
const denying = canRun(asUser[0] ?? 'true', '--version')
if (!denying) process.stderr.write('skipped: a folder without permission: there is no setpriv for root\n')

describe.skipIf(!denying)('a folder without permission', () => {
  test('U2: of the master, of the follower, and of a home', async () => {
    const master = make('denied', asUser)
    const server = await begin(master)
    const follower = make('denied-too', asUser)
    const link = await linkOf(master)
    expectDone(await follower.stemma('follower', 'join', link, '--yes'))
    const before = Number((await master.stemma('status', '--json')).json()['seq'])
    master.write('AGENTS.md', 'second\n')
    await server.event('published', (said) => Number(said['seq']) > before)

    const closed = async (path: string, mode: number, work: () => Promise<unknown>): Promise<void> => {
      const was = statSync(path).mode & 0o777
      chmodSync(path, mode)
      try {
        await work()
      } finally {
        chmodSync(path, was)
      }
    }
    await closed(follower.stemmaHome, 0, () => expectTrouble(follower, ['sync'], 'disk-denied'))
    await closed(join(follower.stemmaHome, 'log'), 0o500, () =>
      closed(join(follower.stemmaHome, 'blobs'), 0o500, () =>
        expectTrouble(follower, ['sync'], 'disk-denied'),
      ),
    )
    await closed(follower.codexHome, 0o500, async () => {
      const run = await follower.stemma('sync')
      expect(run.code, run.stderr).toBe(1)
      expect(run.stderr).not.toMatch(/^\s+at /m)
    })
    expect(follower.read('AGENTS.md')).toBe('first\n')
    expectDone(await follower.stemma('sync'))
    expect(follower.read('AGENTS.md')).toBe('second\n')

    await server.stop()
    await closed(master.stemmaHome, 0, () => expectTrouble(master, serveArgs, 'disk-denied'))
    await closed(join(master.stemmaHome, 'log'), 0, () => expectTrouble(master, serveArgs, 'disk-denied'))
    await closed(master.codexHome, 0, async () => {
      const run = await master.stemma(...serveArgs)
      expect([1], run.stderr).toContain(run.code)
      expect(run.stderr).not.toMatch(/^\s+at /m)
    })
    const again = await master.serve(...onLoopback)
    expect((await master.stemma('status', '--json')).json()).toMatchObject({ seq: before + 1, files: 1 })
    await again.stop()
  })
})

function canRun(command: string, ...args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** A folder with so much room and no more; null where nobody may mount one. */
function mountSmall(path: string, size: string): (() => void) | null {
  mkdirSync(path, { recursive: true, mode: 0o700 })
  if (!canRun('mount', '-t', 'tmpfs', '-o', `size=${size},mode=0700`, 'stemma-test', path)) return null
  return () => execFileSync('umount', [path])
}
const probe = process.getuid?.() === 0 ? mountSmall(join(make('probe').codexHome, 'small'), '64k') : null
probe?.()
if (!probe) process.stderr.write('skipped: a full disk: only root may mount a small one\n')

describe.skipIf(!probe)('a full disk', () => {
  test('Q1: of the master: what does not fit is not published, what was stays, and it goes on by itself', async () => {
    const master = make('full')
    const unmount = mountSmall(master.stemmaHome, '1m')
    try {
      const server = await begin(master)
      const before = (await master.stemma('status', '--json')).json()
      master.write('skills/a/large.bin', 'x'.repeat(3_000_000))
      await server.event('trouble', (said) => said['code'] === 'disk-full')
      expect((await master.stemma('status', '--json')).json()).toMatchObject({ seq: before['seq'] })
      await expectTrouble(master, ['master', 'rebuild'], 'disk-full')
      execFileSync('mount', ['-o', 'remount,size=20m', master.stemmaHome])
      const said = await server.event('published', (one) => Number(one['seq']) > Number(before['seq']))
      expect((await master.stemma('status', '--json')).json()).toMatchObject({ seq: said['seq'], files: 2 })
      expect(await server.stop()).toBe(0)
    } finally {
      unmount?.()
    }
  })

  test('S37: of the follower: the home stays as it was, and the next sync with room goes on', async () => {
    const master = make('roomy')
    const server = await begin(master)
    const follower = make('narrow')
    const unmount = mountSmall(follower.stemmaHome, '1m')
    try {
      expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes'))
      const before = Number((await master.stemma('status', '--json')).json()['seq'])
      master.write('skills/a/large.bin', 'x'.repeat(3_000_000))
      master.write('AGENTS.md', 'second\n')
      await server.event('published', (said) => Number(said['seq']) >= before + 2)
      await expectTrouble(follower, ['sync'], 'disk-full')
      expect(follower.read('AGENTS.md')).toBe('first\n')
      expect(
        readdirSync(join(follower.stemmaHome, 'blobs')).filter((name) => name.startsWith('tmp-')),
      ).toEqual([])
      execFileSync('mount', ['-o', 'remount,size=20m', follower.stemmaHome])
      expectDone(await follower.stemma('sync'))
      expect(follower.read('AGENTS.md')).toBe('second\n')
      expect(follower.read('skills/a/large.bin')).toHaveLength(3_000_000)
    } finally {
      unmount?.()
      await server.stop()
    }
  })

  test('S37: of the Codex home alone: nothing is written there, and what was fetched is applied later', async () => {
    const master = make('wide')
    const server = await begin(master)
    const follower = make('tight')
    const unmount = mountSmall(follower.codexHome, '10m')
    try {
      expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes'))
      const before = Number((await master.stemma('status', '--json')).json()['seq'])
      master.write('skills/a/large.bin', 'x'.repeat(6_000_000))
      await server.event('published', (said) => Number(said['seq']) > before)
      await expectTrouble(follower, ['sync'], 'disk-full')
      expect(follower.read('skills/a/large.bin')).toBeNull()
      expect((await follower.stemma('status', '--json')).json()).toMatchObject({
        pending: true,
        seq: before + 1,
      })
      execFileSync('mount', ['-o', 'remount,size=40m', follower.codexHome])
      expectDone(await follower.stemma('apply'))
      expect(follower.read('skills/a/large.bin')).toHaveLength(6_000_000)
    } finally {
      unmount?.()
      await server.stop()
    }
  })
})
