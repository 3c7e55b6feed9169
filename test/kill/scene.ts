/**
 * What a kill leaves behind, read from outside: names and bytes in the folders, and the connections that the system
 * knows. Nothing of stemma's own code is used, so that this is a second opinion.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Where a process was when it stopped: a content half written, or whole and not yet named by an entry; half an entry,
 * or whole ones that were not yet told of; a small file, backup, staging folder or journal of an apply; a connection.
 * `elsewhere` when nothing shows that it was inside of anything.
 */
export const places = [
  'content',
  'between',
  'entry',
  'untold',
  'small file',
  'backup',
  'staging',
  'journal',
  'request',
] as const
export type Place = (typeof places)[number]

const list = (dir: string): string[] => (existsSync(dir) ? readdirSync(dir) : [])
const segmentsOf = (stemmaHome: string): Buffer[] =>
  list(join(stemmaHome, 'log'))
    .filter((name) => name.endsWith('.seg'))
    .sort()
    .map((name) => readFileSync(join(stemmaHome, 'log', name)))

const headTag = Buffer.from('stemma/head/v1\0', 'latin1')

/** Sequence number and revision of every signed head in a log, by docs/FORMAT.md; and whether it ends in half a record. */
export function readLog(stemmaHome: string): { readonly heads: Map<number, string>; readonly torn: boolean } {
  const heads = new Map<number, string>()
  let torn = false
  for (const bytes of segmentsOf(stemmaHome)) {
    let at = 64
    while (at + 8 <= bytes.length) {
      const length = bytes.readUInt32BE(at)
      const payload = bytes.subarray(at + 8, at + 8 + length)
      if (payload.length < length) break
      if (payload.subarray(0, headTag.length).equals(headTag))
        heads.set(Number(payload.readBigUInt64BE(31)), payload.subarray(103, 135).toString('hex'))
      at += 8 + length
    }
    torn ||= at !== bytes.length
  }
  return { heads, torn }
}

/** Contents that are stored whole, but that no entry names yet. */
export function unnamed(stemmaHome: string): string[] {
  const log = Buffer.concat(segmentsOf(stemmaHome))
  return list(join(stemmaHome, 'blobs')).filter(
    (name) => /^[0-9a-f]{64}$/.test(name) && !log.includes(Buffer.from(name, 'hex')),
  )
}

/** What the folders of one machine show: every write under way leaves a name or bytes that do not stay. */
export function writesUnderWay(stemmaHome: string, codexHome: string): Set<Place> {
  const found = new Set<Place>()
  const temps = (dir: string, mark: RegExp) => list(join(stemmaHome, dir)).some((name) => mark.test(name))
  if (temps('blobs', /^tmp-/)) found.add('content')
  if (unnamed(stemmaHome).length > 0) found.add('between')
  if (temps('log', /^new-|^\.tmp-/) || readLog(stemmaHome).torn) found.add('entry')
  if (temps('.', /^\.tmp-/) || temps('apply', /^\.tmp-/) || temps('keys', /^\.tmp-/)) found.add('small file')
  if (temps('backups', /^\.tmp-/)) found.add('backup')
  if (existsSync(join(codexHome, '.stemma-stage'))) found.add('staging')
  if (existsSync(join(stemmaHome, 'apply', 'journal.json'))) found.add('journal')
  return found
}

/** Whether somebody is connected to a port of this machine. */
export function isConnected(port: number): boolean {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync('/proc/net/tcp', 'latin1')
    .split('\n')
    .slice(1)
    .some((line) => {
      const [, local, , state] = line.trim().split(/\s+/)
      return local?.endsWith(wanted) === true && state === '01'
    })
}
