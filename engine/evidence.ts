/**
 * Evidence of a break of trust: signed heads that cannot both be true, kept so that they can be checked off-line
 * with the layouts of docs/FORMAT.md and the openssl command.
 * Always holds: one file a finding, durable before the finding is reported; nothing is ever overwritten.
 */
import { evidenceMax } from '../schemas/limits.ts'
import type { Disk } from './disk/disk.ts'
import { saveFile } from './disk/save.ts'
import type { Clock } from './env/clock.ts'
import type { Ids } from './env/ids.ts'
import type { KeyHistory } from './fold/keys.ts'
import type { Head } from './log/head.ts'

export type Finding = 'fork' | 'rollback'
type World = { readonly disk: Disk; readonly clock: Clock; readonly ids: Ids }

const dirOf = (stemmaHome: string) => `${stemmaHome}/evidence`
const settledMark = 'settled-'

/**
 * Keeps both heads; `records` are the entries and the head that lead from ours to theirs, where they differ in number:
 * with them the contradiction can be followed entry by entry. Returns the file's path, or null when `evidenceMax` findings are kept already. */
export async function keepEvidence(
  world: World,
  stemmaHome: string,
  finding: Finding,
  keys: KeyHistory,
  ours: Head,
  theirs: Head,
  records: readonly Uint8Array[] = [],
): Promise<string | null> {
  const dir = dirOf(stemmaHome)
  await world.disk.makeDir(dir, 0o700)
  if (((await world.disk.list(dir)) ?? []).length >= evidenceMax) return null
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
  const path = `${dir}/${finding}-${String(theirs.seq).padStart(16, '0')}-${world.ids.name()}.json`
  await saveFile(world.disk, world.ids, path, Buffer.from(`${JSON.stringify(content, null, 2)}\n`), 0o600)
  return path
}

/** The first finding of that kind which nobody has settled, or null. */
export async function openEvidence(disk: Disk, stemmaHome: string, finding: Finding): Promise<string | null> {
  const names = ((await disk.list(dirOf(stemmaHome))) ?? []).map((entry) => entry.name)
  const name = names.find((one) => one.startsWith(`${finding}-`))
  return name === undefined ? null : `${dirOf(stemmaHome)}/${name}`
}

/** Paths of all findings that nobody has settled. */
export async function listEvidence(disk: Disk, stemmaHome: string): Promise<string[]> {
  const names = ((await disk.list(dirOf(stemmaHome))) ?? []).map((entry) => entry.name)
  return names.filter((name) => !name.startsWith(settledMark)).map((name) => `${dirOf(stemmaHome)}/${name}`)
}

/** A person has judged: all findings are kept under another name and no longer stand in the way. */
export async function settleEvidence(disk: Disk, stemmaHome: string): Promise<number> {
  const dir = dirOf(stemmaHome)
  let settled = 0
  for (const { name } of (await disk.list(dir)) ?? []) {
    if (name.startsWith(settledMark)) continue
    await disk.rename(`${dir}/${name}`, `${dir}/${settledMark}${name}`)
    settled++
  }
  if (settled > 0) await disk.syncDir(dir)
  return settled
}
