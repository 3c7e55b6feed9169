/** The shim and the hook's command with the real Codex, from folders with odd names. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { hookCommand } from '../../cli/shim/command.ts'
import { shimScript } from '../../cli/shim/script.ts'
import { readHooksFile } from '../../engine/codex/hook.ts'
import { approve } from '../../engine/codex/trust.ts'
import { printToml } from '../../engine/toml/toml.ts'
import { codexBinary, codexEnv, describeCodex, runCodexExec, writeCodexConfig } from './codex.ts'
import { type FakeModel, startModel } from './model.ts'

describeCodex('before the real Codex CLI', () => {
  let model: FakeModel
  let root: string
  let home: string
  let node: string
  let script: string
  const wrote = () => join(root, 'wrote')
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'stemma-shim-'))
    home = join(root, '.codex')
    model = await startModel()
    writeCodexConfig(home, model.baseUrl)
    const odd = join(root, "it's a $HOME")
    mkdirSync(odd)
    node = join(odd, 'node')
    symlinkSync(process.execPath, node)
    script = join(odd, 'main.js')
    const says = `require('node:fs').appendFileSync(${JSON.stringify(wrote())}, process.argv.slice(2).join(' ') + '\\n')`
    writeFileSync(script, `console.log('noise'); console.error('noise'); ${says}\n`)
  })
  afterAll(async () => {
    await model.close()
    rmSync(root, { recursive: true, force: true })
  })

  test.skipIf(process.platform === 'win32')(
    'N11: through the shim a turn is as ever, after one silent pull',
    async () => {
      const bin = join(root, 'bin')
      mkdirSync(bin)
      const shim = shimScript({ platform: 'linux', node, script, args: ['hook', 'run'] })
      writeFileSync(join(bin, 'codex'), shim)
      chmodSync(join(bin, 'codex'), 0o755)
      const PATH = `${bin}:${dirname(codexBinary())}:/usr/bin:/bin`
      const asked = model.next()
      const run = await runCodexExec({
        home,
        prompt: "It's $HOME.",
        program: join(bin, 'codex'),
        env: { PATH },
      })
      expect([run.code, run.stdout.trim()], run.stderr).toEqual([0, 'done'])
      expect((await asked).text).toContain("It's $HOME.")
      expect(run.stderr).not.toContain('noise')
      expect(readFileSync(wrote(), 'utf8')).toBe('hook run\n')
      const ask = (program: string) => {
        const { status, stdout, stderr } = spawnSync(program, ['--version'], {
          env: { ...codexEnv(home), PATH },
          encoding: 'utf8',
        })
        return { status, stdout, stderr }
      }
      expect(ask(join(bin, 'codex'))).toEqual(ask(codexBinary()))
    },
  )

  test('S50: Codex runs the command of the hook, whatever is in its path and in its variables', async () => {
    const command = hookCommand({ platform: 'linux', node, script, args: ['hook', 'run'] })
    const quiet = { type: 'command', command: `${command} >/dev/null`, timeout: 5 }
    const preload = join(root, 'preload.cjs')
    writeFileSync(
      preload,
      `require('node:fs').appendFileSync(${JSON.stringify(wrote())}, 'loaded before\\n')\n`,
    )
    const NODE_OPTIONS = `--require=${preload}`
    const options = join(root, 'options')
    const plain = { type: 'command', command: `printf '%s' "$NODE_OPTIONS" >'${options}'`, timeout: 5 }
    writeFileSync(
      join(home, 'hooks.json'),
      JSON.stringify({ hooks: { SessionStart: [{ hooks: [quiet, plain] }] } }),
    )
    const file = join(home, 'hooks.json')
    const { hooks } = readHooksFile(readFileSync(file, 'utf8'), 'linux')
    const config = join(home, 'config.toml')
    const trusted = printToml({ hooks: { state: approve(file, hooks, {}) } })
    writeFileSync(config, `${readFileSync(config, 'utf8')}\n${trusted}`)
    rmSync(wrote(), { force: true })
    const asked = model.next()
    const run = await runCodexExec({ home, prompt: 'Say hello.', env: { NODE_OPTIONS } })
    expect([run.code, run.stdout.trim()], run.stderr).toEqual([0, 'done'])
    expect(readFileSync(wrote(), 'utf8')).toBe('hook run\n')
    expect(readFileSync(options, 'utf8')).toBe(NODE_OPTIONS)
    expect((await asked).text).not.toContain('noise')
    expect(run.stderr).not.toContain('noise')
  })
})
