/**
 * S3, S43: what stemma says it merged into a config.toml is what the real Codex reads there, and nothing that Codex
 * or the user wrote on a follower is lost.
 */
import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import { printPath } from '../../engine/toml/value.ts'
import { Random } from '../sim/random.ts'
import { editAtRandom } from './agree-edits.ts'
import { type Published, published } from './agreed-editions.ts'
import { homes } from './agreed-homes.ts'
import { wrongs } from './agreement.ts'
import { type AppServer, startAppServer } from './app-server.ts'
import { codexBinary, codexEnv, describeCodex } from './codex.ts'
import { type Machine, makeMachine, onLoopback } from './machine.ts'
import { readSide, type Side, Watched } from './watched.ts'

/** 50 in a long run. */
const edits = Number(process.env['STEMMA_EDITS'] ?? 12)
const seed = Number(process.env['STEMMA_SEED'] ?? 43)

describeCodex('config/read and the merge', () => {
  let master: Machine
  let codex: AppServer
  let followers: readonly Watched[]
  const all = (act: (follower: Watched) => Promise<unknown>) => Promise.all(followers.map(act))

  async function publish(files: Published): Promise<Side> {
    master.write('config.toml', files.config)
    master.write('lab.config.toml', files.profile)
    return rebuild()
  }
  async function rebuild(): Promise<Side> {
    const told = await master.stemma('master', 'rebuild', '--json')
    expect(told.code, told.stderr).toBe(0)
    return readSide(master, codex)
  }

  beforeAll(async () => {
    master = makeMachine('master')
    const init = await master.stemma('master', 'init')
    expect(init.code, init.stderr).toBe(0)
    const server = await master.serve(...onLoopback)
    await server.event('listening')
    codex = await startAppServer(master.codexHome)
    const path = `${dirname(codexBinary())}:${process.env['PATH'] ?? ''}`
    followers = await Promise.all(homes.map((home) => Watched.start(home, { PATH: path })))
    const link = String((await master.stemma('master', 'link', '--json')).json()['link'])
    const side = await publish(published[0])
    await all((follower) => follower.join(link, side))
  })
  afterAll(async () => {
    await all((follower) => follower.remove())
    await codex.close()
    await master.remove()
  })

  test('S43: ten homes, through three editions of the master', async () => {
    for (const follower of followers) {
      const expected = follower.home.conflicts ?? []
      expect(follower.conflicts.map(printPath), follower.home.name).toEqual(expected)
    }
    for (const files of published.slice(1)) {
      const side = await publish(files)
      await all((follower) => follower.sync(side))
    }
    for (const { home, machine } of followers)
      for (const bytes of home.mine) expect(machine.read('config.toml')).toContain(bytes)
  })

  test('S43: a profile, which Codex lays over the rest', async () => {
    const follower = followers.find(({ home }) => home.profile !== undefined)
    if (follower === undefined) throw new Error('no home has a profile')
    const { machine } = follower
    // The app server takes no profile: it reads the same text as the config.toml of another home.
    const reader = makeMachine('reader')
    const readerCodex = await startAppServer(reader.codexHome)
    const read = async (text: string | null) => {
      reader.write('config.toml', text ?? '')
      return (await readerCodex.readUser()).table
    }
    let [base, before] = [await read(published[2].profile), await read(machine.read('lab.config.toml'))]
    for (const files of [...published, published[0]]) {
      await follower.sync(await publish(files))
      const [canonical, after] = [await read(files.profile), await read(machine.read('lab.config.toml'))]
      const sides = { canonical, base, before, after }
      expect([...wrongs({ ...sides, conflicts: [], settled: [], apart: [] })], files.profile).toEqual([])
      ;[base, before] = [canonical, after]
    }
    const options = { env: codexEnv(machine.codexHome), encoding: 'utf8' } as const
    const listed = spawnSync(codexBinary(), ['-p', 'lab', 'mcp', 'list', '--json'], options).stdout
    const names = JSON.parse(listed).map(({ name }: { name: string }) => name)
    expect(names).toEqual(expect.arrayContaining(['docs', 'lab', 'lab-docs', 'own', 'remote']))
    await readerCodex.close()
    await reader.remove()
  })

  test('S41: a provider that is in use here does not go', async () => {
    const [, follower] = followers
    if (follower === undefined) throw new Error('there is no such home')
    const { machine } = follower
    await follower.sync(await publish(published[0]))
    const use = (value: string | null) =>
      follower.codex.call('config/value/write', {
        keyPath: 'model_provider',
        value,
        mergeStrategy: 'replace',
      })
    await use('gw')
    const before = machine.read('config.toml')
    const next = await publish(published[2])
    const told = await machine.stemma('sync', '--json')
    expect([told.code, JSON.parse(told.stdout).left]).toEqual([
      1,
      [
        {
          code: 'bad-config',
          path: 'config.toml',
          why: 'The provider gw that model_provider names is missing.',
        },
      ],
    ])
    expect(machine.read('config.toml')).toBe(before)
    await use(null)
    await follower.sync(next)
  })

  test(`S3, S43: ${edits} edits on both sides, seed ${seed}`, async () => {
    const random = new Random(seed)
    const history: string[] = []
    let side = await readSide(master, codex)
    onTestFailed(() => console.error(history.join('\n')))
    for (let n = 1; n <= edits; n++) {
      const follower = followers[random.below(followers.length)]
      if (follower === undefined) throw new Error('there are no followers')
      const isTheirs = random.chance(0.4)
      const mark = isTheirs ? 'theirs' : 'mine'
      const { machine } = follower
      history.push(
        await editAtRandom({
          ...{ random: random.fork(), n, mark },
          ...(isTheirs ? { machine: master, codex } : { machine, codex: follower.codex }),
        }),
      )
      if (isTheirs) side = await rebuild()
      history.push(`  ${follower.home.name}`)
      await follower.sync(side)
      const key = follower.conflicts[random.below(follower.conflicts.length)]
      if (key === undefined || !random.chance(0.3)) continue
      const take = random.chance(0.5) ? 'canonical' : 'local'
      history.push(`  ${printPath(key)}: ${take}`)
      await follower.resolve(side, printPath(key), take)
      const left = follower.conflicts.map(printPath)
      expect(left, history.at(-1)).not.toContain(printPath(key))
    }
    await all((follower) => follower.sync(side))
    await followers[0]?.still()
  }, 600_000)
})
