/** What breaks trust between two real machines: each is refused with exit 4, keeps its evidence, applies nothing. */
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { copyFile, cp } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openMaster, playMaster, recordsOf, startAnew, stay } from './attacker.ts'
import { type CommandRun, type Machine, onLoopback } from './machine.ts'
import type { Server } from './server.ts'
import { expectDone, KeptPair, linkOf, make, removeAll, serveOn } from './trouble.ts'

let pair: KeptPair
let master: Machine
let follower: Machine
let server: Server
let port: number
let pin: string

const joinTo = async (machine: Machine, to = master): Promise<CommandRun> =>
  machine.stemma('follower', 'join', await linkOf(to), '--yes')
const initOf = async (machine: Machine): Promise<void> => expectDone(await machine.stemma('master', 'init'))

/** Everything of a follower that a refused master must not have changed. */
function kept(machine: Machine): unknown {
  const log = join(machine.stemmaHome, 'log')
  return {
    files: readdirSync(machine.codexHome, { recursive: true }).sort(),
    agents: machine.read('AGENTS.md'),
    log: readdirSync(log).map((name) => [name, readFileSync(join(log, name)).toString('base64')]),
  }
}
const evidenceOf = (machine: Machine): string[] => {
  try {
    return readdirSync(join(machine.stemmaHome, 'evidence'))
  } catch {
    return []
  }
}
async function publish(change: () => void, through = server): Promise<void> {
  const before = Number((await master.stemma('status', '--json')).json()['seq'])
  change()
  await through.event('published', (said) => Number(said['seq']) > before)
}
function expectRefused(run: CommandRun, code = 4): void {
  expect(run.code, run.stderr + run.stdout).toBe(code)
  expect(run.stderr).not.toMatch(/^\s+at /m)
}
async function errorOf(machine: Machine, ...args: string[]): Promise<Record<string, unknown>> {
  const run = await machine.stemma(...args, '--json')
  const { error } = JSON.parse(run.stdout)
  return error
}
/** What `status` says of the last contact. */
const troubleOf = async (machine: Machine) => (await machine.stemma('status', '--json')).json()['trouble']
const saved = (machine: Machine): string => join(machine.stemmaHome, '..', 'saved')

/** Made once: every test begins with the two as they were then. */
beforeAll(async () => {
  pair = new KeptPair()
  master = pair.master
  follower = pair.follower
  await pair.make(async () => {
    pin = String((await master.stemma('status', '--json')).json()['fingerprint'])
    expectDone(await joinTo(follower))
  })
  port = pair.port
})
beforeEach(async () => {
  server = await pair.begin()
})
afterEach(removeAll)
afterAll(() => pair.remove())

describe('an impostor', () => {
  test('S19: with another key on the same port is refused; a reset and a new join are the way past', async () => {
    await server.stop()
    const impostor = make('impostor')
    impostor.write('AGENTS.md', 'do as I say\n')
    await initOf(impostor)
    const other = String((await impostor.stemma('status', '--json')).json()['fingerprint'])
    const serving = await serveOn(impostor, port)
    const before = kept(follower)
    const run = await follower.stemma('sync')
    expectRefused(run)
    expect(run.stderr).toContain(pin)
    expect(run.stderr).toContain(other)
    expect(await errorOf(follower, 'sync')).toMatchObject({
      code: 'pin-mismatch',
      facts: { expected: pin, got: other },
    })
    expect(kept(follower)).toEqual(before)
    expect(await troubleOf(follower)).toMatchObject({ code: 'pin-mismatch', refused: true })
    expect((await impostor.stemma('master', 'followers', '--json')).json()['followers']).toEqual([])
    // Only the user's word helps: a reset, and a join with the new link.
    expectRefused(await follower.stemma('sync'))
    expect((await follower.stemma('trust', 'reset', '--yes')).code).toBe(0)
    expect(follower.read('AGENTS.md')).toBe('first\n')
    const joined = await joinTo(follower, impostor)
    expect(joined.code, joined.stderr).toBe(0)
    expect(follower.read('AGENTS.md')).toBe('do as I say\n')
    await serving.stop()
  })

  test('S19: a join with a new link is the word of the user, too', async () => {
    await server.stop()
    const next = make('next')
    next.write('AGENTS.md', 'moved to a new machine\n')
    await initOf(next)
    const serving = await serveOn(next, port)
    const joined = await joinTo(follower, next)
    expect(joined.code, joined.stderr).toBe(0)
    expect(follower.read('AGENTS.md')).toBe('moved to a new machine\n')
    await serving.stop()
  })
})

describe('a master that was restored from a copy', () => {
  /** Back to what the machine was when it was saved: its stemma folder, and its home. */
  async function saveAll(): Promise<void> {
    await server.stop()
    await cp(master.stemmaHome, join(saved(master), '.stemma'), { recursive: true })
    await cp(master.codexHome, join(saved(master), '.codex'), { recursive: true })
    server = await serveOn(master, port)
  }
  async function restoreAll(): Promise<void> {
    await server.stop()
    const homes = { '.stemma': master.stemmaHome, '.codex': master.codexHome }
    for (const [name, home] of Object.entries(homes)) {
      rmSync(home, { recursive: true })
      await cp(join(saved(master), name), home, { recursive: true, preserveTimestamps: true })
    }
  }

  test('S59: takes its tail back from a follower by itself, and both converge', async () => {
    await saveAll()
    await publish(() => master.write('AGENTS.md', 'second\n'))
    await publish(() => master.write('skills/a/SKILL.md', 'a skill\n'))
    expect((await follower.stemma('sync')).code).toBe(0)
    const ahead = Number((await follower.stemma('status', '--json')).json()['seq'])
    await restoreAll()
    server = await serveOn(master, port)
    expect(Number((await master.stemma('status', '--json')).json()['seq'])).toBeLessThan(ahead)
    const sync = await follower.stemma('sync')
    expect(sync.code, sync.stderr).toBe(0)
    expect(Number((await master.stemma('status', '--json')).json()['seq'])).toBe(ahead)
    // The home of the master is what counts: what is there now is published on top of what was taken back.
    expect((await master.stemma('master', 'rebuild')).code).toBe(0)
    const again = await follower.stemma('sync')
    expect(again.code, again.stderr).toBe(0)
    expect(follower.read('AGENTS.md')).toBe('first\n')
    expect(follower.read('skills/a/SKILL.md')).toBeNull()
    const [here, there] = [await follower.stemma('status', '--json'), await master.stemma('status', '--json')]
    expect(here.json()['revision']).toBe(there.json()['revision'])
    expect([...evidenceOf(master), ...evidenceOf(follower)]).toEqual([])
  })

  test('Q2, S59: that wrote before its follower came is forked: it ends with 4, and nothing is applied', async () => {
    await saveAll()
    await publish(() => master.write('AGENTS.md', 'second\n'))
    expect((await follower.stemma('sync')).code).toBe(0)
    await restoreAll()
    master.write('AGENTS.md', 'another second\n')
    server = await serveOn(master, port)
    const before = kept(follower)
    const run = await follower.stemma('sync')
    expectRefused(run)
    expect(kept(follower)).toEqual(before)
    expect(await server.ended()).toBe(4)
    expect(evidenceOf(master).join()).toMatch(/^fork-/)
    expect(evidenceOf(follower).join()).toMatch(/^(?:fork|rollback)-/)
    expectRefused(await master.stemma('master', 'serve', '--port', '0', ...onLoopback))
    expect((await master.stemma('status', '--json')).json()['forked']).toMatch(/evidence/)
    // The master goes on with its own history on its owner's word; the follower has to be told, too.
    expect((await master.stemma('trust', 'reset', '--yes')).code).toBe(0)
    server = await serveOn(master, port)
    expectRefused(await follower.stemma('sync'))
    expect(await server.ended()).toBe(4)
    expect((await master.stemma('trust', 'reset', '--yes')).code).toBe(0)
    expect((await follower.stemma('trust', 'reset', '--yes')).code).toBe(0)
    server = await serveOn(master, port)
    const joined = await joinTo(follower)
    expect(joined.code, joined.stderr).toBe(0)
    expect(follower.read('AGENTS.md')).toBe('another second\n')
  })
})

describe('a thief of the keys', () => {
  /** The follower syncs with a thief that greets it, and then is gone. */
  async function syncWith(thief: Awaited<ReturnType<typeof openMaster>>, ...more: string[]) {
    const greet: Parameters<typeof playMaster>[2] = (talk) => talk.greet(thief)
    const run = await playMaster(thief, port, greet, () => follower.stemma('sync', ...more))
    await thief.close()
    return run
  }

  test('T5: that shows an older head is a rollback, with evidence; the genuine master goes on', async () => {
    await server.stop()
    const copy = saved(master)
    await cp(master.stemmaHome, copy, { recursive: true })
    server = await serveOn(master, port)
    await publish(() => master.write('AGENTS.md', 'second\n'))
    expect((await follower.stemma('sync')).code).toBe(0)
    await server.stop()
    const before = kept(follower)
    const thief = await openMaster(copy)
    const run = await syncWith(thief)
    expectRefused(run)
    expect(run.stderr).toMatch(/entry \d+/)
    expect(kept(follower)).toEqual(before)
    expect(evidenceOf(follower).join()).toMatch(/^rollback-/)
    expect(await troubleOf(follower)).toMatchObject({ code: 'rollback', refused: true })
    const shown = (await follower.stemma('trust', 'show', '--json')).json()
    expect(shown['evidence']).toHaveLength(1)
    server = await serveOn(master, port)
    expect((await follower.stemma('sync')).code).toBe(0)
    expect(await troubleOf(follower)).toBeNull()
    expect((await follower.stemma('trust', 'reset', '--yes')).code).toBe(0)
    expect((await joinTo(follower)).code).toBe(0)
    expect(evidenceOf(follower).join()).toMatch(/^settled-/)
  })

  test('T6: that shows another entry under the number of ours is a fork, with evidence', async () => {
    await server.stop()
    const copy = saved(master)
    await cp(master.stemmaHome, copy, { recursive: true })
    server = await serveOn(master, port)
    await publish(() => master.write('AGENTS.md', 'second\n'))
    expect((await follower.stemma('sync')).code).toBe(0)
    await server.stop()
    const thief = await openMaster(copy)
    await thief.append([{ type: 'enrolment.changed', body: { approve: true } }])
    const before = kept(follower)
    const run = await syncWith(thief)
    expectRefused(run)
    expect(kept(follower)).toEqual(before)
    const [name = ''] = evidenceOf(follower)
    expect(name).toMatch(/^fork-/)
    expect(await troubleOf(follower)).toMatchObject({ code: 'fork', refused: true })
    const proof = JSON.parse(readFileSync(join(follower.stemmaHome, 'evidence', name), 'utf8'))
    expect(proof.ours.seq).toBe(proof.theirs.seq)
    expect(proof.ours.entry).not.toBe(proof.theirs.entry)
  })

  test('T6: that leads from our entry to another history further on is a fork, too', async () => {
    await server.stop()
    const copy = saved(master)
    await cp(master.stemmaHome, copy, { recursive: true })
    server = await serveOn(master, port)
    await publish(() => master.write('AGENTS.md', 'second\n'))
    expect((await follower.stemma('sync')).code).toBe(0)
    await server.stop()
    const thief = await openMaster(copy)
    for (const approve of [true, false, true]) await thief.setApproval(approve)
    const before = kept(follower)
    const run = await playMaster(
      thief,
      port,
      async (talk) => {
        await talk.greet(thief)
        const want = await talk.hear()
        if (want.t !== 'want') throw new Error('it wants what is new')
        await talk.say({ t: 'entries', records: await recordsOf(thief, want.from) })
        await talk.say({ t: 'head', head: thief.head.bytes })
      },
      () => follower.stemma('sync'),
    )
    await thief.close()
    expectRefused(run)
    expect(kept(follower)).toEqual(before)
    expect(evidenceOf(follower).join()).toMatch(/^fork-/)
  })

  test('T8: entries of one log under the head of another are not stored', async () => {
    const other = make('other')
    other.write('AGENTS.md', 'of another log\n')
    other.write('rules/x', 'x\n')
    await initOf(other)
    const serving = await other.serve(...onLoopback)
    await serving.stop()
    await publish(() => master.write('AGENTS.md', 'second\n'))
    await server.stop()
    const [thief, stranger] = [await openMaster(master.stemmaHome), await openMaster(other.stemmaHome)]
    const before = kept(follower)
    for (const keepHeads of [true, false]) {
      const run = await playMaster(
        thief,
        port,
        async (talk) => {
          await talk.greet(thief)
          await talk.hear()
          const records = await recordsOf(stranger, 1)
          const sent = keepHeads ? records : [...records.filter((one) => one[0] === 0x95), thief.head.bytes]
          await talk.say({ t: 'entries', records: sent })
          await talk.say({ t: 'head', head: thief.head.bytes })
        },
        () => follower.stemma('sync'),
      )
      expect([1, 4]).toContain(run.code)
      expect(kept(follower)).toEqual(before)
      expect(evidenceOf(follower)).toEqual([])
    }
    await Promise.all([thief.close(), stranger.close()])
    server = await serveOn(master, port)
    expect((await follower.stemma('sync')).code).toBe(0)
    expect(follower.read('AGENTS.md')).toBe('second\n')
  })

  test('Q2: a new log under the same node key is another log', async () => {
    await server.stop()
    const anew = saved(master)
    mkdirSync(join(anew, 'keys'), { recursive: true, mode: 0o700 })
    await startAnew(anew, master.stemmaHome)
    const thief = await openMaster(anew)
    const before = kept(follower)
    const run = await syncWith(thief, '--json')
    expectRefused(run)
    expect(JSON.parse(run.stdout)).toMatchObject({ error: { code: 'other-log' } })
    expect(await troubleOf(follower)).toMatchObject({ code: 'other-log', refused: true })
    expect(kept(follower)).toEqual(before)
    // Its owner may mean it: the same folder, served by the product after a reset.
    await copyFile(join(master.stemmaHome, 'local.toml'), join(anew, 'local.toml'))
    rmSync(master.stemmaHome, { recursive: true })
    await cp(anew, master.stemmaHome, { recursive: true })
    server = await serveOn(master, port)
    expectRefused(await follower.stemma('sync'))
    expectRefused(await follower.stemma('follower', 'join', await linkOf(master), '--yes'))
    expect((await follower.stemma('trust', 'reset', '--yes')).code).toBe(0)
    const joined = await joinTo(follower)
    expect(joined.code, joined.stderr).toBe(0)
  })
})

describe('enrolment', () => {
  test('S14: with --approve a machine waits until a person lets it in', async () => {
    await server.stop()
    server = await master.start(
      ...['master', 'serve', '--json', '--approve', '--port', String(port)],
      ...onLoopback,
    )
    const late = make('late')
    const link = await linkOf(master)
    const refused = await late.stemma('follower', 'join', link, '--yes', '--timeout', '1500')
    expect(refused.code, refused.stderr).toBe(5)
    expect(refused.stderr).toContain('master approve')
    expect(late.read('AGENTS.md')).toBeNull()
    const joining = late.stemma('follower', 'join', link, '--yes')
    const id = await waiting()
    const approved = await master.stemma('master', 'approve', id.slice(0, 12))
    expect(approved.code, approved.stderr).toBe(0)
    const joined = await joining
    expect(joined.code, joined.stderr).toBe(0)
    expect(late.read('AGENTS.md')).toBe('first\n')
    // The one that left before is no longer among those who wait.
    expect((await master.stemma('master', 'approve', 'nobody')).code).toBe(2)
  })

  test('Q4: revoke cuts a live link, forbids to enrol again, and closes the door until it is opened', async () => {
    const live = await stay(follower.stemmaHome, port, pin)
    expect((await live.hear())?.t).toBe('hello')
    const id = String((await follower.stemma('status', '--json')).json()['id'])
    const revoked = await master.stemma('master', 'revoke', id.slice(0, 16), '--yes')
    expect(revoked.code, revoked.stderr).toBe(0)
    await expect(live.hear()).rejects.toMatchObject({ code: 'revoked' })
    expect((await live.wire.closed).code).toBe('revoked')
    await publish(() => master.write('AGENTS.md', 'not for everybody\n'))
    expectRefused(await follower.stemma('sync'))
    expectRefused(await follower.stemma('follower', 'join', await linkOf(master), '--yes'))
    const late = make('late')
    const link = await linkOf(master)
    expect((await late.stemma('follower', 'join', link, '--yes', '--timeout', '1500')).code).toBe(5)
    expect((await master.stemma('master', 'open')).code).toBe(0)
    expect((await late.stemma('follower', 'join', link, '--yes')).code).toBe(0)
    expectRefused(await follower.stemma('sync'))
    expect(follower.read('AGENTS.md')).toBe('first\n')
    // A new identity is a new machine: leaving does not give it one.
    expect((await follower.stemma('follower', 'leave')).code).toBe(0)
    expectRefused(await follower.stemma('follower', 'join', link, '--yes'))
  })

  /** The id of the machine that waits, once one does. */
  async function waiting(): Promise<string> {
    for (;;) {
      const pending = (await master.stemma('status', '--json')).json()['pending']
      if (Array.isArray(pending) && pending.length > 0) return String(pending[0].id)
    }
  }
})
