/** S25: a home that is suddenly empty, or the wrong one, empties no follower before a person has said so. */
import {
  closeSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { codes } from '../../schemas/code.ts'
import { type Machine, makeMachine, onLoopback, skillText } from './machine.ts'
import { begin, expectDone, expectTrouble, linkOf, make, removeAll } from './trouble.ts'

afterAll(removeAll)

const skills = 24
const seqOf = async (machine: Machine) => Number((await machine.stemma('status', '--json')).json()['seq'])
const pausedOf = async (machine: Machine) =>
  (await machine.stemma('master', 'status', '--json')).json()['paused']
const skillsOf = (machine: Machine) => readdirSync(join(machine.codexHome, 'skills')).length

async function pair(name: string) {
  const master = make(name)
  const follower = make(`${name}-follower`)
  for (let n = 0; n < skills; n++) master.write(`skills/s${n}/SKILL.md`, skillText(`s${n}`, 'Skilled.'))
  const server = await begin(master)
  expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes', '--no-hook'))
  return { master, follower, server, seq: await seqOf(master) }
}

describe('S25: files that are gone', () => {
  test('an empty home under a running master is not published, and told once; what is back goes on by itself', async () => {
    const { master, follower, server, seq } = await pair('emptied')
    const away = `${master.codexHome}.away`
    mkdirSync(away)
    for (const name of readdirSync(master.codexHome))
      renameSync(join(master.codexHome, name), join(away, name))
    await server.event('trouble', (said) => said['code'] === 'files-gone')
    for (let n = 0; n < 2; n++) await expectTrouble(master, ['master', 'rebuild'], 'files-gone')
    expect(server.said.filter(({ event }) => event === 'trouble').length).toBeLessThanOrEqual(2)
    expect(await pausedOf(master)).toMatchObject({ code: 'files-gone', hint: codes['files-gone'].hint })
    const words = (await master.stemma('master', 'status')).stdout
    expect(words).toMatch(/Publishing paused .*:\n {2}No canonical file is left in/)
    expect(words).toContain('stemma master rebuild --yes')
    expectDone(await follower.stemma('sync'))
    expect([await seqOf(master), skillsOf(follower)]).toEqual([seq, skills])
    for (const name of readdirSync(away)) renameSync(join(away, name), join(master.codexHome, name))
    await server.event('resumed')
    expect([await seqOf(master), await pausedOf(master)]).toEqual([seq, null])
    master.write('AGENTS.md', 'second\n')
    await server.event('published', (said) => Number(said['seq']) > seq)
    expectDone(await follower.stemma('sync'))
    expect(follower.read('AGENTS.md')).toBe('second\n')
  })

  test('a --yes counts for the look it was said of, and not for a later one', async () => {
    const { master, server, seq } = await pair('permitted')
    const away = `${master.codexHome}.away`
    renameSync(master.codexHome, away)
    await expectTrouble(master, ['master', 'rebuild', '--yes'], 'home-missing')
    mkdirSync(master.codexHome)
    await server.event('trouble', (said) => said['code'] === 'files-gone')
    expect(await seqOf(master)).toBe(seq)
    rmSync(master.codexHome, { recursive: true })
    renameSync(away, master.codexHome)
    await server.event('resumed')
  })

  test('most of many files are not published as removed either, until --yes; a few are', async () => {
    const { master, follower, server, seq } = await pair('thinned')
    const remove = (from: number, to: number) => {
      for (let n = from; n < to; n++) rmSync(join(master.codexHome, 'skills', `s${n}`), { recursive: true })
    }
    remove(0, 3)
    await server.event('published', (said) => Number(said['seq']) >= seq + 3)
    remove(3, 20)
    await server.event('trouble', (said) => said['code'] === 'files-gone')
    // Nothing else is published meanwhile: it may be another home.
    master.write('AGENTS.md', 'of another home\n')
    const message = await expectTrouble(master, ['master', 'rebuild'], 'files-gone')
    expect(message).toMatch(/^2\d of 25 canonical files are gone from /)
    expectDone(await follower.stemma('sync'))
    expect([skillsOf(follower), follower.read('AGENTS.md')]).toEqual([skills - 3, 'first\n'])
    const told = (await master.stemma('master', 'rebuild', '--yes', '--json')).json()
    expect(told['entries']).toBe(18)
    expect(await pausedOf(master)).toBeNull()
    expectDone(await follower.stemma('sync'))
    expect([skillsOf(follower), follower.read('AGENTS.md')]).toEqual([4, 'of another home\n'])
  })

  test('a master that starts on the wrong home serves what it has, and says what is wrong', async () => {
    const { master, follower, server, seq } = await pair('wrong')
    await server.stop()
    const right = `${master.codexHome}.right`
    renameSync(master.codexHome, right)
    master.write('AGENTS.md', 'of another home\n')
    const again = await master.serve(...onLoopback)
    await again.event('trouble', (said) => said['code'] === 'files-gone')
    expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes', '--no-hook'))
    expect([await seqOf(master), skillsOf(follower), follower.read('AGENTS.md')]).toEqual([
      seq,
      skills,
      'first\n',
    ])
    await again.stop()
    // Without a server it is the same.
    await expectTrouble(master, ['master', 'rebuild'], 'files-gone')
    expect(await seqOf(master)).toBe(seq)
    expectDone(await master.stemma('master', 'rebuild', '--yes'))
    expect((await master.stemma('status', '--json')).json()).toMatchObject({
      files: 1,
      seq: seq + skills + 1,
    })
  })

  test('a folder above the home is replaced, and an editor still has a file of the old one open', async () => {
    const root = mkdtempSync(join(tmpdir(), 'stemma-dots-'))
    const codexHome = join(root, 'dots/codex')
    const master = makeMachine('moved', [], { CODEX_HOME: codexHome })
    const follower = make('moved-follower')
    try {
      const folders = ['skills', 'prompts'] as const
      for (const folder of folders) mkdirSync(join(codexHome, folder), { recursive: true })
      for (let n = 0; n < 19; n++) writeFileSync(join(codexHome, `skills/s${n}.md`), `${n}`)
      for (let n = 0; n < 21; n++) writeFileSync(join(codexHome, `prompts/p${n}.md`), `${n}`)
      const server = await begin(master)
      expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes', '--no-hook'))
      const seq = await seqOf(master)
      // The watches are those of the old folder, and tell of it by the name that the new one has.
      const file = openSync(join(codexHome, 'skills/s1.md'), 'a')
      renameSync(join(root, 'dots'), join(root, 'dots.old'))
      for (const folder of folders) mkdirSync(join(codexHome, folder), { recursive: true })
      writeSync(file, 'more\n')
      closeSync(file)
      await server.event('trouble', (said) => said['code'] === 'files-gone')
      expect(await seqOf(master)).toBe(seq)
      expectDone(await follower.stemma('sync'))
      expect(skillsOf(follower)).toBe(19)
    } finally {
      await master.remove()
      rmSync(root, { recursive: true })
    }
  })

  test('S32: what a new rule leaves out is removed without a question', async () => {
    const { master, seq } = await pair('chosen')
    writeFileSync(join(master.stemmaHome, 'settings.toml'), '[selection]\nexclude = ["skills/"]\n')
    expectDone(await master.stemma('master', 'rebuild'))
    expect((await master.stemma('status', '--json')).json()).toMatchObject({
      files: 1,
      seq: seq + skills + 1,
    })
  })
})
