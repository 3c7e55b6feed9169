/** S1: a stemma folder keeps one Codex home: a variable that was forgotten never writes into, or publishes, another. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { builtFile, type Machine, makeMachine } from './machine.ts'
import type { Server } from './server.ts'
import {
  begin,
  expectDone,
  expectTrouble,
  inside,
  linkOf,
  make,
  removeAll,
  serveArgs,
  serveOn,
} from './trouble.ts'

let master: Machine
let follower: Machine
let server: Server
const strays: Machine[] = []
beforeAll(async () => {
  master = make('kept-master')
  follower = make('kept-follower')
  server = await begin(master)
  expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes'))
})
afterAll(async () => {
  for (const machine of strays) await machine.remove()
  await removeAll()
})

const homeOf = ({ codexHome }: Machine): string => dirname(codexHome)
/** The command with the folders of others; HOME stands for the folder of the user. */
function astray(env: Readonly<Record<string, string>>): Machine {
  const machine = makeMachine('kept-astray', [], env)
  strays.push(machine)
  return machine
}
const another = ({ stemmaHome }: Machine): Machine => {
  const machine = astray({ STEMMA_HOME: stemmaHome })
  machine.write('AGENTS.md', 'of another home\n')
  return machine
}
const localOf = ({ stemmaHome }: Machine): string => readFileSync(join(stemmaHome, 'local.toml'), 'utf8')
const filesOf = ({ codexHome }: Machine) =>
  readdirSync(codexHome).map((name) => [name, readFileSync(join(codexHome, name), 'utf8')])
const seqOf = async (machine: Machine) => (await machine.stemma('status', '--json')).json()['seq']

test('status tells the home, for people and for programs', async () => {
  for (const machine of [master, follower]) {
    expect(localOf(machine)).toContain(`home = "${machine.codexHome}"`)
    const told = (await machine.stemma('status', '--json')).json()
    expect([told['home'], (await machine.stemma('status')).stdout]).toEqual([
      machine.codexHome,
      expect.stringMatching(new RegExp(`^home +${machine.codexHome}$`, 'm')),
    ])
  }
})

test('every command of a follower refuses another home, and writes nothing there', async () => {
  const odd = another(follower)
  const before = filesOf(odd)
  const link = await linkOf(master)
  const words = [
    'status',
    'sync',
    'apply',
    'plan',
    'conflicts',
    'resolve AGENTS.md --take local',
    'trust show',
  ]
  const more = ['trust reset --yes', 'hook install', 'hook status', 'hook uninstall', 'shim install']
  const roles = [
    'follower leave',
    'follower watch',
    'follower install --print',
    `follower join ${link} --yes`,
  ]
  for (const line of [...words, ...more, ...roles]) {
    const here = inside({ ...odd, stemmaHome: follower.stemmaHome })
    const message = await expectTrouble(here, line.split(' '), 'other-home')
    expect(message).toBe(
      `${follower.stemmaHome} keeps the Codex home ${follower.codexHome}, not ${odd.codexHome}.`,
    )
  }
  await expectTrouble(odd, ['sync'], 'other-home')
  expect(filesOf(odd)).toEqual(before)
  expectDone(await follower.stemma('sync'))
})

test('every command of a master refuses another home, and publishes nothing of it', async () => {
  const odd = another(master)
  const seq = await seqOf(master)
  const verbs = ['status', 'link', 'followers', 'rebuild', 'rebuild --yes', 'open', 'approve a', 'revoke a']
  for (const line of [...verbs.map((verb) => `master ${verb}`), 'master install --print', 'status'])
    await expectTrouble(inside({ ...odd, stemmaHome: master.stemmaHome }), line.split(' '), 'other-home')
  await expectTrouble(odd, ['master', 'rebuild'], 'other-home')
  await server.stop()
  await expectTrouble(odd, ['master', 'rebuild'], 'other-home')
  await expectTrouble(odd, serveArgs, 'other-home')
  server = await serveOn(master, server.port)
  expect(await seqOf(master)).toBe(seq)
})

test('S51: a hook that names another home says nothing, and its sync writes nothing there', async () => {
  const odd = another(follower)
  const before = filesOf(odd)
  const seq = Number(await seqOf(master))
  master.write('AGENTS.md', 'for its own home\n')
  await server.event('published', (said) => Number(said['seq']) > seq)
  const words = [builtFile('stemma-hook.cjs'), 'before', follower.stemmaHome, odd.codexHome]
  expect(execFileSync(process.execPath, words, { encoding: 'utf8' })).toBe('')
  expect(filesOf(odd)).toEqual(before)
  expectDone(await follower.stemma('sync'))
  expect(follower.read('AGENTS.md')).toBe('for its own home\n')
})

test('the doctor tells it, and mends nothing there', async () => {
  for (const machine of [master, follower]) {
    const run = await another(machine).stemma('doctor', '--fix', '--json')
    expect([run.code, JSON.parse(run.stdout)]).toMatchObject([1, { findings: [{ id: 'other-home' }] }])
  }
})

test('a home that another folder keeps is taken: by the usual folder, or by what our hook names', async () => {
  const before = [filesOf(master), filesOf(follower)]
  const link = await linkOf(master)
  const joining = ['follower', 'join', link, '--yes']
  const forgot = astray({ HOME: homeOf(master), CODEX_HOME: master.codexHome })
  for (const words of [joining, ['master', 'init']])
    expect(await expectTrouble(forgot, words, 'home-taken')).toBe(
      `${master.stemmaHome} keeps the Codex home ${master.codexHome} already.`,
    )
  const hooked = astray({ CODEX_HOME: follower.codexHome })
  for (const words of [joining, ['master', 'init']])
    expect(await expectTrouble(hooked, words, 'home-taken')).toContain(follower.stemmaHome)
  expect([filesOf(master), filesOf(follower)]).toEqual(before)
  for (const machine of [forgot, hooked]) await expectTrouble(machine, ['status'], 'not-initialised')
  // The user has a folder, and this is another home with one of its own.
  expectDone(await astray({ HOME: homeOf(master) }).stemma(...joining))
})

test('a folder of an older version says nothing of its home: it works, and is asked for by the usual rule', async () => {
  const [before, file] = [localOf(follower), join(follower.stemmaHome, 'local.toml')]
  const older = before.replace(/^home = .*\n/m, '')
  expect(older).not.toBe(before)
  writeFileSync(file, older)
  expectDone(await follower.stemma('sync'))
  const forgot = astray({ HOME: homeOf(follower), CODEX_HOME: follower.codexHome })
  await expectTrouble(forgot, ['master', 'init'], 'home-taken')
  expectDone(await follower.stemma('follower', 'join', await linkOf(master), '--yes'))
  expect(localOf(follower)).toBe(before)
  writeFileSync(file, before.replace(/^home = .*$/m, 'home = "~/.codex"'))
  expect(await expectTrouble(follower, ['sync'], 'bad-local')).toContain('expected the absolute path')
  writeFileSync(file, before)
})

test('a home behind a symlink is the same one, and one that was moved is named in local.toml', async () => {
  const machine = make('kept-linked')
  const at = (name: string) => join(homeOf(machine), name)
  rmSync(machine.codexHome, { recursive: true })
  mkdirSync(at('dotfiles'))
  symlinkSync('dotfiles', machine.codexHome)
  expectDone(await machine.stemma('follower', 'join', await linkOf(master), '--yes'))
  expect(localOf(machine)).toContain(`home = "${at('dotfiles')}"`)
  expectDone(await machine.stemma('sync'))
  const direct = astray({ STEMMA_HOME: machine.stemmaHome, CODEX_HOME: at('dotfiles') })
  expectDone(await direct.stemma('sync'))
  renameSync(at('dotfiles'), at('moved'))
  const moved = astray({ STEMMA_HOME: machine.stemmaHome, CODEX_HOME: at('moved') })
  await expectTrouble(moved, ['sync'], 'other-home')
  const file = join(machine.stemmaHome, 'local.toml')
  writeFileSync(file, localOf(machine).replace(/^home = .*$/m, `home = "${at('moved')}"`))
  expectDone(await moved.stemma('sync'))
})
