/**
 * Evidence of a break of trust: signed heads that cannot both be true, kept so that they can be checked off-line
 * with the layouts of docs/FORMAT.md and the openssl command.
 * Always holds: one file a finding, durable before the finding is reported; nothing is ever overwritten. A peer that
 * shows the same again adds nothing, and `evidenceMax` findings of one kind leave room for the other.
 */
import { basename } from 'node:path'
import { evidenceMax } from '../schemas/limits.ts'
import { sha256Hex } from './crypto/hash.ts'
import type { Disk } from './disk/disk.ts'
import { saveFile, settleName, sweepTemps } from './disk/save.ts'
import { makeDirs } from './disk/tree.ts'
import type { Clock } from './env/clock.ts'
import type { Ids } from './env/ids.ts'
import type { KeyHistory } from './fold/keys.ts'
import type { Head } from './log/head.ts'

export type Finding = 'fork' | 'rollback'
type World = { readonly disk: Disk; readonly clock: Clock; readonly ids: Ids }

const dirOf = (stemmaHome: string) => `${stemmaHome}/evidence`
const settledMark = 'settled-'

/**
 * Keeps both heads. Where they differ in number, `records` are entries and the head of one side that they lead to:
 * with them the contradiction can be followed entry by entry. Returns the file's path, or that of the first finding
 * when there are `evidenceMax` of this kind already.
 */
export async function keepEvidence(
  world: World,
  stemmaHome: string,
  finding: Finding,
  keys: KeyHistory,
  ours: Head,
  theirs: Head,
  records: readonly Uint8Array[] = [],
): Promise<string> {
  const dir = dirOf(stemmaHome)
  await makeDirs(world.disk, dir, 0o700)
  await sweepTemps(world.disk, dir)
  const pair = sha256Hex(Buffer.concat([ours.entry, theirs.entry])).slice(0, 16)
  const name = `${finding}-${String(theirs.seq).padStart(16, '0')}-${pair}`
  const open = (await listEvidence(world.disk, stemmaHome)).filter((path) => kindOf(path) === finding)
  const known = open.find((path) => basename(path).startsWith(name))
  const enough = open.length >= evidenceMax ? open[0] : undefined
  const there = known ?? enough
  if (there) return there
  const hex = (bytes: Buffer) => bytes.toString('hex')
  const content = {
    finding,
    foundMs: world.clock.now(),
    logId: hex(keys.logId),
    logKey: hex(keys.logKey),
    ours: { seq: ours.seq, entry: hex(ours.entry), signedHead: hex(ours.bytes) },
    theirs: { seq: theirs.seq, entry: hex(theirs.entry), signedHead: hex(theirs.bytes) },
    records: records.map((payload) => Buffer.from(payload).toString('base64')),
  }
  const path = `${dir}/${name}-${world.ids.name()}.json`
  await saveFile(world.disk, world.ids, path, Buffer.from(`${JSON.stringify(content, null, 2)}\n`), 0o600)
  return path
}

/** The first finding of that kind which nobody has settled, or null. */
export async function openEvidence(disk: Disk, stemmaHome: string, finding: Finding): Promise<string | null> {
  return (await listEvidence(disk, stemmaHome)).find((path) => kindOf(path) === finding) ?? null
}

/** Paths of all findings that nobody has settled. */
export async function listEvidence(disk: Disk, stemmaHome: string): Promise<string[]> {
  const dir = dirOf(stemmaHome)
  const names = ((await disk.list(dir)) ?? []).map((entry) => entry.name)
  return names.filter((name) => kindOf(name) !== null).map((name) => `${dir}/${name}`)
}

const kindOf = (path: string): Finding | null => {
  const found = /^(fork|rollback)-.*\.json$/.exec(basename(path))?.[1]
  return found === 'fork' || found === 'rollback' ? found : null
}

/** A person has judged: all findings are kept under another name and no longer stand in the way. */
export async function settleEvidence(disk: Disk, stemmaHome: string): Promise<number> {
  const dir = dirOf(stemmaHome)
  const open = await listEvidence(disk, stemmaHome)
  for (const path of open) {
    const settled = `${dir}/${settledMark}${basename(path)}`
    await disk.rename(path, settled)
    await settleName(disk, settled)
  }
  return open.length
}
