/**
 * What a command has of the world: everything it may touch is here, so a test can hand it another world.
 */
import type { Disk } from '../engine/disk/disk.ts'
import type { Clock } from '../engine/env/clock.ts'
import type { Ids } from '../engine/env/ids.ts'
import type { Homes } from '../engine/settings/homes.ts'
import type { Line } from './ui/line.ts'
import type { Teller } from './ui/progress.ts'
import type { Sink, Writer } from './ui/writer.ts'

export type Env = Readonly<Record<string, string | undefined>>

/** The process, as `main.ts` finds it. */
export type World = {
  readonly env: Env
  readonly homeDir: string
  readonly cwd: string
  readonly out: Sink
  readonly err: Sink
  /** On the terminal of both, where there is one. */
  readonly line?: Line
  readonly pid: number
  /** Null where users have no number (Windows). */
  readonly uid: number | null
  /** Aborts with Fault `interrupted` on SIGINT and SIGTERM. */
  readonly signal: AbortSignal
  /** Asks the person at the terminal for a line, '' for none; null when nobody is there, or they have left (^D). */
  ask(question: string): Promise<string | null>
  /** Another program takes the place of this one. @throws Fault `codex-missing`. */
  become(file: string, args: readonly string[]): Promise<never>
}

export type Context = {
  readonly homes: Homes
  readonly env: Env
  /** Of the user: the usual folders lie in it. */
  readonly homeDir: string
  readonly cwd: string
  readonly out: Writer
  readonly err: Writer
  /** The answer goes to `out.json`, and nothing else does. */
  readonly json: boolean
  /** Who waits at a terminal sees how far long work has come. */
  readonly progress: Teller
  readonly signal: AbortSignal
  readonly clock: Clock
  readonly ids: Ids
  readonly pid: number
  readonly uid: number | null
  /** Asks the person at the terminal for a line, '' for none; null when nobody is there, or they have left (^D). */
  ask(question: string): Promise<string | null>
  /** Another program takes the place of this one. @throws Fault `codex-missing`. */
  become(file: string, args: readonly string[]): Promise<never>
  /** The real disk, looked at where it is used: `openDisk(homes.codexHome)`. */
  openDisk(probeDir?: string): Promise<Disk>
}
