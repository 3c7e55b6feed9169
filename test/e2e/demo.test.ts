/** `stemma demo` as people run it: to its end in a pipe, as JSON, and stopped at several moments. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openDisk } from '../../engine/disk/real.ts'
import { findPlace } from '../../transport/control/place.ts'
import { builtCommand } from './machine.ts'

let root: string
beforeAll(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'stemma-play-')))
})
afterAll(() => {
  rmSync(root, { recursive: true, force: true })
})

type Run = { readonly code: number | null; readonly out: string; readonly err: string; readonly left: string }

/** A demo with a temporary folder and homes of its own, which are all that it may leave something in. */
function start(name: string, words: readonly string[], own = false) {
  const home = join(root, name)
  const left = join(home, 'tmp')
  const project = join(home, 'project')
  mkdirSync(left, { recursive: true })
  mkdirSync(project)
  chmodSync(project, 0o555)
  const child = spawn(process.execPath, [builtCommand(), 'demo', ...words], {
    cwd: project,
    env: {
      PATH: process.env['PATH'],
      HOME: home,
      USERPROFILE: home,
      TMPDIR: left,
      TEMP: left,
      TMP: left,
      STEMMA_HOME: join(home, 'mine', '.stemma'),
      CODEX_HOME: join(home, 'mine', '.codex'),
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group of its own, as a terminal gives it.
    detached: own,
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text
  })
  const ended = new Promise<Run>((done) => child.once('close', (code) => done({ code, out, err, left })))
  const until = (line: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => out.includes(line) && resolve()
      child.stdout.on('data', look)
      child.once('close', () => reject(new Error(`ended before "${line}"\n${out}${err}`)))
      look()
    })
  return { child, ended, until, home }
}

/** Everything of a run that could outlive it: files, and processes that were started in its folders. */
function leftovers(name: string): string[] {
  const home = join(root, name)
  const files = readdirSync(home, { recursive: true }).map(String)
  if (process.platform !== 'linux') return files.sort()
  const living = readdirSync('/proc').filter((pid) => {
    try {
      return /^[0-9]+$/.test(pid) && readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`${home}/`)
    } catch {
      // It has ended meanwhile, or is somebody else's.
      return false
    }
  })
  return [...files.sort(), ...living]
}
const nothing = ['project', 'tmp']

const steps = 'init serve join edit skill deletion conflict resolve impostor return cut recovery'.split(' ')

describe('U3: the demo', () => {
  test('in a pipe: plain lines of at most 80 columns, one a step with its time, and nothing is left', async () => {
    const { code, out, err } = await start('pipe', []).ended
    expect({ code, err }, out).toEqual({ code: 0, err: '' })
    for (const line of out.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80)
    expect(out).not.toMatch(/\u001b|…/)
    expect(out.match(/^ ✓ {2}[`A-Z].* {2,}[0-9.]+ (?:ms|s|min)$/gm), out).toHaveLength(steps.length)
    expect(out).toContain('All 12 steps done and checked')
    expect(leftovers('pipe')).toEqual(nothing)
  })

  test('with --json one object; with --keep its folder, but no socket of long paths beside it', async () => {
    const { ended } = start(`json-${'long'.repeat(20)}`, ['--json', '--keep'])
    const { code, out, err, left } = await ended
    expect(code, out + err).toBe(0)
    const told: { ok: boolean; ms: number; folder: string; steps: Record<string, unknown>[] } =
      JSON.parse(out)
    expect(told).toMatchObject({ ok: true, ms: expect.any(Number) })
    expect(told.steps.map(({ step }) => step)).toEqual(steps)
    for (const { ms, says } of told.steps) {
      expect(ms).toBeGreaterThan(0)
      expect(ms).toBeLessThanOrEqual(told.ms)
      expect(String(says).length).toBeLessThanOrEqual(66)
    }
    const [cut] = told.steps.flatMap(({ files }) => (files ? [files] : []))
    expect(cut).toEqual({ new: expect.any(Number), old: expect.any(Number), torn: 0 })
    const { new: fresh, old }: { new: number; old: number } = JSON.parse(JSON.stringify(cut))
    expect(Math.min(fresh, old)).toBeGreaterThan(0)
    expect(fresh + old).toBe(300)
    expect(err).toBe(`The scratch folder is kept: ${told.folder}\n`)
    expect(readdirSync(left)).toEqual([told.folder.slice(left.length + 1)])
    expect(readdirSync(told.folder)).toEqual(['follower', 'impostor', 'master'])
    const disk = await openDisk()
    for (const name of readdirSync(told.folder)) {
      const home = join(told.folder, name, '.stemma')
      const place = await findPlace(disk, home, process.getuid?.() ?? null)
      if (place?.kind !== 'folder') continue
      expect(place.shared).toBe(true)
      expect(await disk.stat(place.folder)).toBeNull()
    }
  })

  const alone = (child: ChildProcess, name: NodeJS.Signals) => child.kill(name)
  /** As Ctrl-C does: the children get it at the same moment. */
  const group = (child: ChildProcess, name: NodeJS.Signals) =>
    process.platform === 'win32' ? child.kill(name) : process.kill(-(child.pid ?? 0), name)
  const moments = [
    { name: 'before anything', after: 'stemma keeps', by: 'SIGINT', to: group },
    { name: 'while the follower joins', after: '`master serve`', by: 'SIGINT', to: group },
    { name: 'while a skill travels', after: 'AGENTS.md is edited', by: 'SIGTERM', to: alone },
    { name: 'while the impostor gets ready', after: '`resolve`', by: 'SIGINT', to: alone },
    { name: 'in the cut', after: 'The real master', by: 'SIGINT', to: group },
  ] as const
  for (const { name, after, by, to } of moments)
    test(`${by} ${name}: one sentence, exit 1, and nothing is left`, async () => {
      const folder = `stop-${name.replaceAll(' ', '-')}`
      const { child, ended, until } = start(folder, [], true)
      await until(after)
      to(child, by)
      const { code, out, err } = await ended
      expect(code, out + err).toBe(1)
      expect(err).toMatch(new RegExp(`^error: Stopped by ${by}\\.\\n[^\\n]+\\n$`))
      expect(leftovers(folder)).toEqual(nothing)
    })

  test('a reader that goes away does not leave the demo behind half done', async () => {
    const { child, ended } = start('head', [])
    child.stdout?.once('data', () => child.stdout?.destroy())
    const { code, err } = await ended
    expect({ code, err }).toEqual({ code: 0, err: '' })
    expect(leftovers('head')).toEqual(nothing)
  })

  test('`npm run demo` starts the build', () => {
    const manifest: { scripts: Record<string, string> } = JSON.parse(
      readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    )
    expect(manifest.scripts['demo']).toBe('node dist/cli/main.js demo')
  })
})
