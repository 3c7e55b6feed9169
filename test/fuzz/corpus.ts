/**
 * Cases that failed once, and those that tests were made of by hand: one file each in `corpus/`, named by what was
 * wrong, in hex. Every one goes through every door before any random case does.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(import.meta.dirname, 'corpus')

export type Kept = { readonly name: string; readonly bytes: Buffer }

export const corpus: readonly Kept[] = readdirSync(folder)
  .filter((file) => file.endsWith('.hex'))
  .sort()
  .map((file) => ({
    name: file.slice(0, -4),
    bytes: Buffer.from(readFileSync(join(folder, file), 'latin1').replaceAll(/\s/g, ''), 'hex'),
  }))

/** What a random case failed with, and how it becomes one of these. */
export function failure(error: unknown, where: string, bytes: Buffer): Error {
  const what = error instanceof Error ? error.message : String(error)
  const shell = `echo ${bytes.toString('hex')} | fold -w 100 > test/fuzz/corpus/what-failed.hex`
  return new Error(`${what}\n${where}. Keep it, under a name that says what failed:\n${shell}`, {
    cause: error,
  })
}

/** Runs one case at a door. */
export function attempt<T>(door: (bytes: Buffer) => T, bytes: Buffer, where: () => string): T {
  try {
    return door(bytes)
  } catch (error) {
    throw failure(error, where(), bytes)
  }
}
