/**
 * A machine of the demo: two homes in the scratch folder, and the command that works on them.
 * Always holds: nothing of the caller's own homes or settings reaches it; a file is saved whole at once, as
 * editors do it.
 */
import { dirname } from 'node:path'
import { readFile } from '../../engine/disk/save.ts'
import { makeDirs } from '../../engine/disk/tree.ts'
import { Fault } from '../../schemas/fault.ts'
import { fileBytesMax } from '../../schemas/limits.ts'
import { v } from '../../schemas/shape.ts'
import type { Child } from './child.ts'
import { type Stage, stemmaHomeOf } from './stage.ts'

/** What a system needs to start a program and find its temporary folder; nothing that changes what stemma does. */
const inherited = ['PATH', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'LANG'] as const

export type Files = ReadonlyMap<string, string>

export class Machine {
  readonly codexHome: string
  readonly stemmaHome: string
  readonly #stage: Stage
  readonly #root: string

  private constructor(stage: Stage, name: string) {
    this.#stage = stage
    this.#root = `${stage.folder}/${name}`
    this.codexHome = `${this.#root}/.codex`
    this.stemmaHome = stemmaHomeOf(stage.folder, name)
  }

  /** A new machine whose Codex home holds these files. */
  static async make(stage: Stage, name: string, files: Files): Promise<Machine> {
    const machine = new Machine(stage, name)
    await makeDirs(stage.disk, machine.codexHome, 0o700)
    for (const [path, text] of files) await machine.put(path, text)
    return machine
  }

  /** Scripts (`.sh`) are executable. */
  async put(path: string, text: string): Promise<void> {
    const { disk } = this.#stage
    const at = this.at(path)
    const beside = `${this.#root}/saving`
    if ((await disk.stat(dirname(at))) === null) await makeDirs(disk, dirname(at), 0o700)
    const file = await disk.open(beside, 'create', path.endsWith('.sh') ? 0o755 : 0o644)
    try {
      await file.write([Buffer.from(text)], 0)
    } finally {
      await file.close()
    }
    await disk.rename(beside, at)
  }

  async erase(path: string): Promise<void> {
    await this.#stage.disk.unlink(this.at(path))
  }

  /** Every file of the Codex home, read from the disk. */
  async files(): Promise<Files> {
    const found = new Map<string, string>()
    await this.#read('', found)
    return found
  }

  async #read(folder: string, into: Map<string, string>): Promise<void> {
    const { disk } = this.#stage
    for (const { name, kind } of (await disk.list(`${this.codexHome}${folder}`)) ?? []) {
      const path = `${folder}/${name}`
      if (kind === 'folder') await this.#read(path, into)
      else into.set(path.slice(1), String(await readFile(disk, this.codexHome + path, fileBytesMax)))
    }
  }

  at(path: string): string {
    return `${this.codexHome}/${path}`
  }

  start(...words: readonly string[]): Child {
    const own = Object.entries(this.#stage.context.env).filter(([name]) => isInherited(name))
    const env = {
      ...Object.fromEntries(own),
      HOME: this.#root,
      USERPROFILE: this.#root,
      STEMMA_HOME: this.stemmaHome,
      CODEX_HOME: this.codexHome,
    }
    return this.#stage.children.start(words, { env, cwd: this.#root })
  }

  /** Runs a command to its end, which must be with `exit`. Returns what it said, in the shape that is expected. */
  async run<S extends v.GenericSchema>(
    exit: number,
    said: S,
    ...words: readonly string[]
  ): Promise<v.InferOutput<S>> {
    const child = this.start(...words)
    const result = await child.result()
    if (result.exit !== exit)
      throw child.fault(`ended with ${result.exit ?? result.signal} instead of ${exit}`)
    const parsed = v.safeParse(said, result.said)
    if (!parsed.success) throw child.fault('gave an answer that makes no sense')
    return parsed.output
  }
}

const isInherited = (name: string): boolean =>
  inherited.some((one) => one.toLowerCase() === name.toLowerCase())

/** What the demo claims must be so. */
export function must(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Fault('demo-failed', otherwise)
}
