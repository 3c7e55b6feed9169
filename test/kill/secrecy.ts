/**
 * Where secrets lie on a machine, looked for by their canary in every file, half written and staged ones included.
 */
import { type Dirent, existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { canary } from './sealed.ts'

type Homes = { readonly stemmaHome: string; readonly codexHome: string }
/** Contents in the blob store never change: what was read once is clean for good. */
export type Clean = Set<string>

/** What others could read, and what holds a secret in plain text out of the home and of what the home displaced. */
export function exposed({ stemmaHome, codexHome }: Homes, clean: Clean): string[] {
  const found: string[] = []
  const open = (path: string) => {
    const mode = lstatSync(path).mode & 0o777
    if ((mode & 0o077) !== 0) found.push(`${path} can be read by others: ${mode.toString(8)}`)
  }
  for (const [path, entry] of below(stemmaHome)) {
    if (entry.isFile() || entry.isDirectory()) open(path)
    if (!entry.isFile() || clean.has(path)) continue
    if (isBackup(path.slice(stemmaHome.length + 1))) continue
    if (readFileSync(path).includes(canary)) found.push(`${path} holds a secret in plain text`)
    else if (/\/blobs\/[0-9a-f]{64}$/.test(path)) clean.add(path)
  }
  for (const [path, entry] of below(codexHome))
    if (entry.isFile() && readFileSync(path).includes(canary)) open(path)
  return found
}

/** Finished or half written: plain text, for its owner alone. */
const isBackup = (path: string): boolean => /^backups\/(?:\.tmp-[a-z0-9]+|[0-9TZ]+-\d+\.tar)$/.test(path)

/** None of a machine that was killed before its first folder. */
const below = (folder: string): [path: string, entry: Dirent][] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true }).map((entry) => [
        join(entry.parentPath, entry.name),
        entry,
      ])
    : []
