/** A session starts fresh: by the hook the next one, by `run` and the shim this very one (S50–S53, N11). */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { codexBinary, codexEnv, describeCodex } from './codex.ts'
import { skillText } from './machine.ts'
import { mcpTable, writeMcpServer } from './mcp.ts'
import type { ModelRequest } from './model.ts'
import { makePair, modelOf, type Pair, toolsOf } from './pair.ts'

describeCodex('a session of the real Codex on a follower', () => {
  let pair: Pair
  let bare: string
  let mcp: string
  beforeAll(async () => {
    pair = await makePair()
    mcp = join(dirname(pair.follower.codexHome), 'mcp.cjs')
    writeMcpServer(mcp)
    bare = (pair.master.read('config.toml') ?? '').replace(/^model = .*\n/, '')
  })
  afterAll(() => pair.remove())

  /** A model, a tool and a skill, each of a name of its own. */
  const news = (name: string) => ({
    publish: () =>
      pair.publish(() => {
        pair.master.write('config.toml', `model = "gpt-${name}"\n${bare}\n${mcpTable(name, mcp, 'stripe')}`)
        pair.master.write(`skills/${name}/SKILL.md`, skillText(name, `Draws a ${name} in plain characters.`))
      }),
    in: (request: ModelRequest) => ({
      model: modelOf(request) === `gpt-${name}`,
      tool: toolsOf(request).some((tool) => tool.includes(`mcp__${name}`)),
      skill: request.text.includes(`Draws a ${name}`),
    }),
  })
  const all = { model: true, tool: true, skill: true }
  const none = { model: false, tool: false, skill: false }

  /**
   * News that `start` brings into the very session. On a busy machine the budget can be over before the sync is:
   * then the next news get their chance, each of a name that no earlier session could have brought.
   */
  async function arrive(name: string, start: () => Promise<ModelRequest>): Promise<void> {
    for (const attempt of ['', '-again', '-once-more']) {
      const fresh = news(`${name}${attempt}`)
      await fresh.publish()
      const seen = fresh.in(await start())
      if (seen.model || attempt === '-once-more') {
        expect(seen).toEqual(all)
        return
      }
    }
  }

  test('S50, S52: the hook runs, trusted; the session that it runs in is as it was, the next has all that is new', async () => {
    const status = (await pair.follower.stemma('status', '--json')).json()
    expect(status['hook']).toMatchObject({ installed: true, trusted: true })
    const quagga = news('quagga')
    await quagga.publish()
    expect(quagga.in(await pair.exec())).toEqual(none)
    await pair.bringIn(() => pair.follower.read('skills/quagga/SKILL.md') !== null)
    expect(quagga.in(await pair.exec())).toEqual(all)
  })

  test('S51: nothing of the hook enters the prompt', async () => {
    const plain = ({ text, body }: ModelRequest) => ({
      text,
      keys: Object.keys(Object(body)),
      tools: toolsOf({ text, body }),
    })
    const withHook = await pair.exec()
    const uninstall = await pair.follower.stemma('hook', 'uninstall')
    expect(uninstall.code, uninstall.stderr).toBe(0)
    expect(pair.follower.read('hooks.json')).toBe(null)
    expect(pair.follower.read('config.toml')).not.toContain('hooks.state')
    const without = await pair.exec()
    expect(plain(withHook)).toEqual(plain(without))
    const install = await pair.follower.stemma('hook', 'install')
    expect(install.code, install.stderr).toBe(0)
  })

  test('N11: `run -- exec` has in the very session what is new, and prints nothing', async () => {
    await arrive('osprey', async () => {
      const asked = pair.model.next()
      const run = await pair.follower.stemma(
        ...['run', '--', 'exec', '--skip-git-repo-check', '--sandbox', 'read-only', "It's $HOME."],
      )
      expect([run.code, run.stdout], run.stderr).toEqual([0, 'done\n'])
      expect(run.stderr).not.toContain('stemma:')
      const request = await asked
      expect(request.text).toContain("It's $HOME.")
      return request
    })
  })

  test('N11: `run` passes on what Codex says to a wrong word, and its exit code', async () => {
    const ask = (...words: string[]) => {
      const { status, stdout, stderr } = spawnSync(codexBinary(), words, {
        env: codexEnv(pair.follower.codexHome),
        encoding: 'utf8',
      })
      return { code: status, stdout, stderr }
    }
    for (const words of [['--version'], ['exec', '--no-such-option'], ['help', '--json']]) {
      const { code, stdout, stderr } = await pair.follower.stemma('run', '--', ...words)
      expect({ code, stdout, stderr }).toEqual(ask(...words))
    }
  })

  describe.skipIf(process.platform === 'win32')('with the shim', () => {
    test('N11: the very session has what is new; its removal leaves nothing', async () => {
      const install = (await pair.follower.stemma('shim', 'install', '--json')).json()
      const bin = String(install['folder'])
      const PATH = `${bin}:${dirname(codexBinary())}:/usr/bin:/bin`
      await arrive('heron', () => pair.exec({ program: join(bin, 'codex'), env: { PATH } }))
      const gone = (await pair.follower.stemma('shim', 'uninstall', '--json')).json()
      expect(gone).toEqual({ file: join(bin, 'codex'), removed: true })
      expect((await pair.follower.stemma('shim', 'uninstall', '--json')).json()['removed']).toBe(false)
    })
  })

  test('S50: who leaves takes the hook along, and keeps the files', async () => {
    const left = (await pair.follower.stemma('follower', 'leave', '--json')).json()
    expect(left['hookLeft']).toBe(false)
    expect(pair.follower.read('hooks.json')).toBe(null)
    expect(pair.follower.read('AGENTS.md')).toBe('Speak of the zebra crossing.\n')
    expect(existsSync(join(pair.follower.stemmaHome, 'card.json'))).toBe(false)
    await pair.exec()
  })
})
