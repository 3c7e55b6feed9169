/**
 * The programs that stemma is measured beside. None is a dependency: one that is not there is named as skipped.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

/** The first line that the program says of its version; null when it is not there. */
export function versionOf(program: string): string | null {
  try {
    return execFileSync(program, ['--version'], { encoding: 'utf8', stdio: 'pipe' }).split('\n')[0] ?? ''
  } catch {
    return null
  }
}

/** rsync learned `--fsync` in 3.2.4; without it there is nothing durable to compare with. */
export function rsyncAbsence(): string | null {
  if (versionOf('rsync') === null) return 'rsync is not installed (on Debian: apt-get install rsync)'
  const help = execFileSync('rsync', ['--help'], { encoding: 'utf8', stdio: 'pipe' })
  return help.includes('--fsync') ? null : 'this rsync has no --fsync'
}

export const gitAbsence = (): string | null => (versionOf('git') === null ? 'git is not installed' : null)

export type Hypercore = {
  ready(): Promise<void>
  append(blocks: readonly Uint8Array[]): Promise<unknown>
  close(): Promise<void>
}
export type HypercoreFound = { readonly version: string; open(folder: string): Hypercore }

/** Hypercore from STEMMA_BENCH_HYPERCORE or from where `peers.sh` puts it; the reason when it is not there. */
export async function findHypercore(): Promise<HypercoreFound | string> {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const folder =
    process.env['STEMMA_BENCH_HYPERCORE'] ?? join(cache, 'stemma-bench', 'node_modules', 'hypercore')
  const manifest = join(folder, 'package.json')
  if (!existsSync(manifest)) return 'hypercore is not installed (bash bench/peers.sh)'
  const { version, main }: { version: string; main: string } = JSON.parse(readFileSync(manifest, 'utf8'))
  const module: { default: new (folder: string) => Hypercore } = await import(
    pathToFileURL(join(folder, main)).href
  )
  return { version, open: (at) => new module.default(at) }
}
