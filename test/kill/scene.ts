/**
 * What a kill leaves behind, read from outside: names and bytes in the folders, and the connections that the system
 * knows. Nothing of stemma's own code is used, so that this is a second opinion.
 */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Where a process was when it stopped: a content half written, or whole and not yet named by an entry; half an entry,
 * or whole ones that were not yet told of; a small file, backup, staging folder or journal of an apply; a connection,
 * or a command that had no answer yet. `elsewhere` when nothing shows that it was inside of anything.
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
/** What an apply that was under way was about to put, as far as its journal says. */
export const loads = ['secrets', 'config', 'hooks'] as const
export type Load = (typeof loads)[number]
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

/** Above what the wraps of a few secrets need, and below most contents. */
const wrapsBytesMax = 16 * 1024

/** Contents that are stored whole, but that no entry names yet: a ciphertext is named by wraps that an entry names. */
export function unnamed(stemmaHome: string): string[] {
  const log = Buffer.concat(segmentsOf(stemmaHome))
  const names = list(join(stemmaHome, 'blobs')).filter((name) => /^[0-9a-f]{64}$/.test(name))
  const isIn = (bytes: Buffer) => (name: string) => bytes.includes(Buffer.from(name, 'hex'))
  const rest = names.filter((name) => !isIn(log)(name))
  if (rest.length === 0) return rest
  const wraps = names
    .filter((name) => !rest.includes(name))
    .map((name) => join(stemmaHome, 'blobs', name))
    .filter((file) => statSync(file).size <= wrapsBytesMax)
    .map((file) => readFileSync(file))
  return rest.filter((name) => !isIn(Buffer.concat(wraps))(name))
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

/** What the apply that a kill cut off was carrying out. */
export function loadsUnderWay(stemmaHome: string): Set<Load> {
  const journal = join(stemmaHome, 'apply', 'journal.json')
  const text = existsSync(journal) ? readFileSync(journal, 'utf8') : ''
  const found = new Set<Load>()
  if (/"(?:auth\.json|[^"]*\.env)"/.test(text)) found.add('secrets')
  if (text.includes('"config.toml"')) found.add('config')
  if (text.includes('"hooks.json"')) found.add('hooks')
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
