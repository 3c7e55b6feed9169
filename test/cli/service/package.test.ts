/** stemma out of an npx cache: a copy of its own, whole, whatever becomes of the cache. */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  appFolder,
  appScript,
  dropPackage,
  keepPackage,
  namesCopy,
  perishable,
} from '../../../cli/service/package.ts'
import { hookCommand } from '../../../cli/shim/command.ts'
import { openDisk } from '../../../engine/disk/real.ts'
import { systemIds } from '../../../engine/env/system.ts'
import { version } from '../../../schemas/version.ts'
import { compile } from '../../compiled.ts'
import { until } from '../../e2e/patience.ts'
import { SimDisk } from '../../sim/disk.ts'
import { sweep } from '../../sim/sweep.ts'
import { Fakes, freePort, isListening } from './fakes.ts'

const project = fileURLToPath(new URL('../../..', import.meta.url))

test.each([
  [
    '/home/u/.npm/_npx/0a1b/node_modules/stemma/dist/cli/stemma.cjs',
    '/home/u/.npm/_npx/0a1b/node_modules',
    'stemma/dist/cli/stemma.cjs',
  ],
  [
    'C:\\npm\\_npx\\0a1b\\node_modules\\stemma\\dist\\x.cjs',
    'C:\\npm\\_npx\\0a1b\\node_modules',
    'stemma\\dist\\x.cjs',
  ],
  ['/usr/lib/node_modules/stemma/dist/cli/stemma.cjs', null, null],
  ['/home/u/_npx/stemma.cjs', null, null],
])('what stays and what does not: %s', (path, modules, script) => {
  expect(perishable(path)).toEqual(modules === null ? null : { modules, script })
})

test.each([
  ['linux', '/home/u/.stemma/app/node_modules/stemma/dist/cli/stemma-hook.cjs', true],
  ['win32', 'C:\\u\\.stemma\\app\\node_modules\\stemma\\dist\\cli\\stemma-hook.cjs', true],
  ['win32', 'C:\\npm\\node_modules\\stemma\\dist\\cli\\stemma-hook.cjs', false],
] as const)('S54: a hook on %s that starts %s out of the copy: %s', (platform, script, isCopy) => {
  for (const node of ['/usr/bin/node', 'C:\\Program Files\\nodejs\\node.exe']) {
    const command = hookCommand({ platform, node, script, args: ['start', '/s', '/c'] })
    expect(namesCopy(JSON.stringify({ hooks: [{ command }] }))).toBe(isCopy)
  }
})

test('S54: a folder `app` that is no copy of ours is neither removed nor replaced', async () => {
  const disk = new SimDisk()
  disk.plantFile('/srv/app/mine', 'mine')
  disk.plantFile('/cache/_npx/1/node_modules/stemma/package.json', '{}')
  await dropPackage(disk, '/srv')
  await expect(keepPackage(disk, systemIds, '/srv', '/cache/_npx/1/node_modules')).rejects.toMatchObject({
    code: 'not-ours',
  })
  expect(disk.peek('/srv/app/mine')?.toString()).toBe('mine')
  expect((await disk.list('/srv'))?.map(({ name }) => name)).toEqual(['app'])
  await keepPackage(disk, systemIds, '/home', '/cache/_npx/1/node_modules')
  expect(disk.peek('/home/app/node_modules/stemma/package.json')?.toString()).toBe('{}')
  await dropPackage(disk, '/home')
  expect(await disk.list('/home')).toEqual([])
})

describe('S54: the copy', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "stemma it's npx "))
  })
  afterEach(() => rmSync(root, { recursive: true, force: true }))

  const names = (folder: string) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()

  test('it is the same, links to commands left out, and takes the place of the last one', async () => {
    const disk = await openDisk()
    const modules = join(root, 'cache/_npx/0a1b/node_modules')
    const put = (path: string, text: string) => {
      mkdirSync(dirname(join(modules, path)), { recursive: true })
      writeFileSync(join(modules, path), text)
    }
    put('stemma/package.json', '{}')
    put('stemma/dist/a.js', 'one')
    put('ws/index.js', '')
    mkdirSync(join(modules, '.bin'))
    symlinkSync('../stemma/dist/a.js', join(modules, '.bin/stemma'))
    const home = join(root, 'home')
    await keepPackage(disk, systemIds, home, modules)
    const app = appFolder(home)
    expect(names(join(app, 'node_modules'))).toEqual(names(modules).filter((path) => path !== '.bin/stemma'))
    put('stemma/dist/a.js', 'two')
    rmSync(join(modules, 'ws'), { recursive: true })
    // What a copy that was killed left behind goes with the next one.
    mkdirSync(`${app}.next-x/node_modules`, { recursive: true })
    mkdirSync(`${app}.last-x`)
    await keepPackage(disk, systemIds, home, modules)
    expect(readFileSync(appScript(home, 'stemma/dist/a.js'), 'utf8')).toBe('two')
    expect([existsSync(join(app, 'node_modules/ws')), readdirSync(home)]).toEqual([false, ['app']])
    await dropPackage(disk, home)
    expect(readdirSync(home)).toEqual([])
  })

  test('whatever strikes while it is copied: the old one, the new one, or none, but never half of one', async () => {
    const modules = '/cache/_npx/0a1b/node_modules'
    const [older, newer] = [
      { 'stemma/a.js': 'one', 'gone/b.js': '' },
      { 'stemma/a.js': 'two', 'ws/lib/c.js': 'three' },
    ]
    const app = (disk: SimDisk) =>
      Object.fromEntries(
        disk
          .paths('/home/.stemma/app')
          .filter((path) => !path.endsWith('/'))
          .map((path) => [path.replace('/home/.stemma/app/node_modules/', ''), disk.peek(path)?.toString()]),
      )
    const ends = new Set<string>()
    await sweep({
      name: 'copy',
      reboots: 2,
      prepare: async (disk) => {
        for (const [path, text] of Object.entries(newer)) disk.plantFile(`${modules}/${path}`, text)
        for (const [path, text] of Object.entries(older))
          disk.plantFile(`/home/.stemma/app/node_modules/${path}`, text)
      },
      run: (disk, { ids }) => keepPackage(disk, ids, '/home/.stemma', modules),
      check: async (disk, { error, world }) => {
        const found = app(disk)
        expect([older, newer, {}]).toContainEqual(found)
        ends.add(JSON.stringify(found))
        if (error === null) expect(found).toEqual(newer)
        await keepPackage(disk, world.ids, '/home/.stemma', modules)
        expect(app(disk)).toEqual(newer)
        expect(await disk.list('/home/.stemma')).toEqual([{ name: 'app', kind: 'folder' }])
      },
    })
    expect(ends.size).toBe(3)
  })

  test.skipIf(process.platform !== 'linux')('a service that npx installed outlives its cache', async () => {
    const compiled = await compile('cli/stemma.cts')
    const fakes = new Fakes(join(root, 'fakes'), join(root, '.config/systemd/user'))
    try {
      const modules = join(root, '.npm/_npx/0a1b/node_modules')
      const out = dirname(dirname(compiled.at('cli/main.ts')))
      cpSync(out, join(modules, 'stemma/dist'), {
        recursive: true,
        filter: (path) => !path.includes('node_modules'),
      })
      for (const name of needed(...Object.keys(manifest(project).dependencies ?? {})))
        cpSync(join(project, 'node_modules', name), join(modules, name), {
          recursive: true,
          dereference: true,
        })
      mkdirSync(join(root, '.codex'))
      const env = { HOME: root, PATH: `${fakes.bin}:/usr/bin:/bin` }
      const stemma = (script: string, words: string) =>
        spawnSync(process.execPath, [script, ...words.split(' ')], { env, encoding: 'utf8' })
      const cached = join(modules, 'stemma/dist/cli/stemma.cjs')
      expect(stemma(cached, 'master init').status).toBe(0)
      fakes.set('start')
      const port = await freePort()
      const installed = stemma(cached, `master install --host 127.0.0.1 --allow 127.0.0.0/8 --port ${port}`)
      expect([installed.status, installed.stderr]).toEqual([0, ''])

      rmSync(join(root, '.npm'), { recursive: true })
      const home = join(root, '.stemma')
      const kept = appScript(home, 'stemma/dist/cli/stemma.cjs')
      spawnSync(join(fakes.bin, 'systemctl'), ['--user', 'restart', 'stemma-master.service'], { env })
      // Asked by its port: a `status` would own the folder for as long as nobody does, and be in the way of the start.
      await until('it serves again', () => isListening(port))
      expect(JSON.parse(stemma(kept, 'status --json').stdout).serving.port).toBe(port)
      const said = spawnSync(join(home, 'service/stemma'), ['--version'], {
        env: { HOME: root },
        encoding: 'utf8',
      })
      expect(said.stdout).toBe(`${version}\n`)

      // Codex would start our hooks out of it: then it stays.
      const hooks = join(root, '.codex/hooks.json')
      writeFileSync(
        hooks,
        JSON.stringify({ hooks: join(home, 'app/node_modules/stemma/dist/stemma-hook.cjs') }),
      )
      expect(stemma(kept, 'master uninstall').stdout).toContain(`${join(home, 'app')} stays`)
      rmSync(hooks)
      expect(stemma(kept, 'master uninstall').status).toBe(0)
      expect([existsSync(join(home, 'app')), existsSync(join(home, 'service'))]).toEqual([false, false])
    } finally {
      fakes.close()
      compiled.remove()
    }
  })
})

function manifest(folder: string): { readonly dependencies?: Readonly<Record<string, string>> } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/** These packages and all that they need. */
function needed(...names: readonly string[]): ReadonlySet<string> {
  const all = new Set<string>()
  const add = (name: string) => {
    if (all.has(name)) return
    all.add(name)
    Object.keys(manifest(join(project, 'node_modules', name)).dependencies ?? {}).forEach(add)
  }
  names.forEach(add)
  return all
}
