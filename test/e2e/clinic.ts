/**
 * What the doctor says of a machine: its findings by name, alone, in any environment. `visit` starts the command;
 * `glance` runs the same command in this process, in a tenth of the time, for what a process of its own would not add to.
 * Always holds: Codex is a small program of the test that says a version; `close` ends and removes all.
 */
import { execFile } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { run } from '../../cli/run.ts'
import { screen } from '../cli/world.ts'
import { bundle } from '../compiled.ts'
import { type Machine, makeMachine } from './machine.ts'

const main = process.env['STEMMA_CLI'] ?? fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

export type Env = Readonly<Record<string, string>>

export type Visit = {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** What is wrong, in order. */
  readonly ids: readonly string[]
  readonly findings: readonly { readonly id: string; readonly level: string; readonly fixable: boolean }[]
  readonly mended: readonly string[]
}

export class Clinic {
  readonly bin: string
  readonly #root: string
  readonly #machines: Machine[] = []
  #here: Promise<typeof run> | null = null

  constructor() {
    this.#root = mkdtempSync(join(tmpdir(), 'stemma-clinic-'))
    this.bin = join(this.#root, 'bin')
    mkdirSync(this.bin)
    this.sayVersion('0.169.0')
  }

  /** The search path with our Codex first. */
  get path(): string {
    return `${this.bin}:${process.env['PATH'] ?? ''}`
  }

  sayVersion(version: string): void {
    const file = join(this.bin, 'codex')
    writeFileSync(file, `#!/bin/sh\necho "codex-cli ${version}"\n`)
    chmodSync(file, 0o755)
  }

  /** A folder for a test's own purposes. */
  folder(name: string): string {
    const path = join(this.#root, name)
    mkdirSync(path, { recursive: true })
    return path
  }

  make(name: string, env: Env = {}, inside: readonly string[] = []): Machine {
    const machine = makeMachine(name, inside, { PATH: this.path, ...env })
    this.#machines.push(machine)
    return machine
  }

  /** The doctor as people see it, or with `--json`, in an environment of its own. */
  async call(
    machine: Machine,
    words: readonly string[],
    env: Env = {},
  ): Promise<{ code: number; stdout: string; stderr: string }> {
    const options = { encoding: 'utf8', cwd: this.#root, env: this.#envOf(machine, env) } as const
    return new Promise((resolve) => {
      const child = execFile(
        process.execPath,
        [main, 'doctor', ...words],
        options,
        (_error, stdout, stderr) => resolve({ code: child.exitCode ?? -1, stdout, stderr }),
      )
    })
  }

  async visit(machine: Machine, words: readonly string[] = [], env: Env = {}): Promise<Visit> {
    return read(await this.call(machine, [...words, '--json'], env))
  }

  /** Only looks: what is written into hooks would name the sources of this process. */
  async glance(machine: Machine, env: Env = {}): Promise<Visit> {
    const [out, err] = [screen(), screen()]
    this.#here ??= loadRun()
    const code = await (await this.#here)(['doctor', '--json'], {
      ...{ out, err, env: this.#envOf(machine, env), homeDir: this.#root, cwd: this.#root },
      ...{ pid: process.pid, uid: process.getuid?.() ?? null, signal: new AbortController().signal },
      ask: async () => null,
      become: async (file) => {
        throw new Error(`the doctor became ${file}`)
      },
    })
    return read({ code, stdout: out.text, stderr: err.text })
  }

  #envOf(machine: Machine, env: Env): Env {
    return {
      PATH: this.path,
      HOME: this.#root,
      STEMMA_HOME: machine.stemmaHome,
      CODEX_HOME: machine.codexHome,
      NO_COLOR: '1',
      ...env,
    }
  }

  async close(): Promise<void> {
    for (const machine of this.#machines) await machine.remove()
    rmSync(this.#root, { recursive: true, force: true })
  }
}

/** In one piece: loaded one by one, the sources would take longer than all that is looked at with them. */
async function loadRun(): Promise<typeof run> {
  const built = await bundle('cli/run.ts')
  try {
    return (await import(built.at('cli/run.ts'))).run
  } finally {
    built.remove()
  }
}

function read(said: { code: number; stdout: string; stderr: string }): Visit {
  const told = JSON.parse(said.stdout)
  if (!Array.isArray(told.findings)) throw new Error(`the doctor failed: ${said.stdout}${said.stderr}`)
  return {
    ...said,
    ids: told.findings.map(({ id }: { id: string }) => id),
    findings: told.findings,
    mended: told.mended.map(({ id }: { id: string }) => id),
  }
}

/** Every file below a folder with its content, mode and time: what only reads leaves it as it is. */
export function snapshot(folder: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => {
      const path = join(entry.parentPath, entry.name)
      const { mode, mtimeMs, ctimeMs } = statSync(path)
      const content = entry.isFile() ? readFileSync(path).toString('base64') : ''
      return [path, `${mode} ${mtimeMs} ${ctimeMs} ${content}`]
    }),
  )
}
