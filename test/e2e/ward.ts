/**
 * A master that serves and a follower of it, both sound, for what is broken on the follower.
 * Always holds: whoever breaks something mends it; `expectSound` says whether they did.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { Clinic, type Env } from './clinic.ts'
import { type Machine, onLoopback } from './machine.ts'
import { until } from './patience.ts'
import type { Server } from './server.ts'

export type Ward = {
  readonly clinic: Clinic
  readonly master: Machine
  readonly follower: Machine
  readonly server: Server
  readonly link: string
  /** Places in the stemma folder and in the Codex home of the follower. */
  at(...names: string[]): string
  home(...names: string[]): string
  /** What the doctor finds there. */
  found(env?: Env): Promise<readonly string[]>
  /** The same without a process: for another way to the same finding, or to none. */
  glanced(env?: Env): Promise<readonly string[]>
  /** These are found and mended, all of them and nothing else, and then nothing is left. */
  expectMended(...ids: string[]): Promise<void>
  expectSound(): Promise<void>
  /** A file is another one for as long as `work` takes. */
  changed(file: string, change: (text: string) => string, work: () => Promise<void>): Promise<void>
  /** A watcher that has given its word. */
  watching(): Promise<Server>
}

export async function openWard(): Promise<Ward> {
  const clinic = new Clinic()
  const master = clinic.make('master')
  const follower = clinic.make('follower')
  master.write('AGENTS.md', 'first\n')
  master.write('config.toml', 'model = "one"\n')
  for (let at = 0; at < 3; at++) master.write(`prompts/p${at}.md`, `prompt ${at}\n`)
  expect((await master.stemma('master', 'init')).code).toBe(0)
  const server = await master.serve(...onLoopback)
  const link = String((await master.stemma('master', 'link', '--json')).json()['link'])
  const joined = await follower.stemma('follower', 'join', link, '--yes')
  expect(joined.code, joined.stderr).toBe(0)
  const at = (...names: string[]) => join(follower.stemmaHome, ...names)
  const found = async (env: Env = {}) => (await clinic.visit(follower, [], env)).ids
  const glanced = async (env: Env = {}) => (await clinic.glance(follower, env)).ids
  return {
    ...{ clinic, master, follower, server, link, at, found, glanced },
    home: (...names) => join(follower.codexHome, ...names),
    async expectMended(...ids) {
      const before = await clinic.glance(follower)
      expect([...before.ids].sort()).toEqual([...ids].sort())
      expect(before.findings.filter(({ fixable }) => !fixable)).toEqual([])
      const fixed = await clinic.visit(follower, ['--fix'])
      expect([fixed.code, fixed.ids], fixed.stdout).toEqual([0, []])
      expect([...fixed.mended].sort(), fixed.stdout).toEqual([...ids].sort())
    },
    async expectSound() {
      expect(await glanced()).toEqual([])
    },
    async changed(file, change, work) {
      const before = readFileSync(file)
      writeFileSync(file, change(before.toString()))
      try {
        await work()
      } finally {
        writeFileSync(file, before)
      }
    },
    async watching() {
      const watcher = await follower.start('follower', 'watch', '--json')
      await watcher.event('connected')
      await until('the word of the watcher', () => existsSync(at('watching')))
      return watcher
    },
  }
}
