/**
 * Every command there is: its words, one line about it, and where it lies.
 * Always holds: reading this loads no command, so help and typing errors cost nothing.
 */
import type { Command } from './command.ts'

export type Entry = {
  readonly path: string
  readonly summary: string
  load(): Promise<Command>
}

export const registry: readonly Entry[] = []
