/**
 * What stemma has stored: keys, log, contents, the records of apply. Opened as a command opens it, on a disk that is
 * only read.
 */
import { posix } from 'node:path'
import { loadJournal } from '../../../engine/apply/journal.ts'
import { siteOf } from '../../../engine/apply/site.ts'
import { Blobs } from '../../../engine/blobs/blobs.ts'
import { toHash } from '../../../engine/crypto/hash.ts'
import type { Disk } from '../../../engine/disk/disk.ts'
import { openEvidence } from '../../../engine/evidence.ts'
import type { State } from '../../../engine/fold/state.ts'
import { loadFollowerKeys, loadMasterKeys } from '../../../engine/keys/keys.ts'
import { Log } from '../../../engine/log/log.ts'
import { listSegments } from '../../../engine/log/segment.ts'
import { missingSecrets, neededBySecrets } from '../../../engine/secrets/reader.ts'
import { Fault } from '../../../schemas/fault.ts'
import { doctorLooksMax } from '../../../schemas/limits-cli.ts'
import type { Hash } from '../../../schemas/shape.ts'
import type { Context } from '../../context.ts'
import type { StoredFacts, Told } from '../facts.ts'
import { attempt, toldOf } from './attempt.ts'

type World = Pick<Context, 'homes' | 'ids' | 'clock' | 'signal'>
type Place = {
  readonly context: World
  readonly disk: Disk
  readonly role: 'master' | 'follower'
  /** Somebody writes while this reads. */
  readonly isOwned: boolean
}

export async function lookAtStored(place: Place): Promise<StoredFacts> {
  const { context, disk, role, isOwned } = place
  const { stemmaHome, codexHome } = context.homes
  const keys = await attempt(async () => {
    if (role === 'master') return (await loadMasterKeys(disk, stemmaHome)).log.public
    await loadFollowerKeys(disk, stemmaHome)
    return null
  })
  const seen = await lookAtLog(place, keys.got)
  const blobs = new Blobs(disk, context.ids, `${stemmaHome}/blobs`)
  const site = siteOf({ ...context, disk, blobs }, codexHome, stemmaHome)
  const records = await attempt(async () => {
    const journal = await loadJournal(disk, site.journal)
    const { tx } = await site.ledger.load()
    // A journal whose transaction the ledger has is one that was carried out.
    return journal !== null && journal.tx !== tx
  })
  return {
    ...seen,
    keys: keys.told ?? seen.keys,
    fork: (await attempt(() => openEvidence(disk, stemmaHome, 'fork'))).got,
    cutOff: !isOwned && records.got === true,
    records: records.told,
  }
}

type Seen = Pick<StoredFacts, 'keys' | 'log' | 'seq' | 'folders' | 'missing' | 'damaged'>
const nothing: Seen = { keys: null, log: null, seq: null, folders: 1, missing: [], damaged: [] }

/**
 * What an owner, or one that has lent the folder, writes or clears away meanwhile may look like damage: it is looked at
 * again.
 */
async function lookAtLog(place: Place, logKey: Buffer | null): Promise<Seen> {
  for (let looks = 1; ; looks++) {
    const { got, told } = await attempt(() => lookOnce(place, logKey))
    const seen = got ?? { ...nothing, log: told }
    const isSound = seen.log === null && seen.missing.length === 0 && seen.damaged.length === 0
    if (isSound || looks === doctorLooksMax) return seen
  }
}

async function lookOnce({ context, disk, role }: Place, logKey: Buffer | null): Promise<Seen> {
  const { ids, homes } = context
  const logPlace = { disk, ids, dir: `${homes.stemmaHome}/log` }
  // A follower that was let in a moment ago has none yet.
  if (role === 'follower' && !(await Log.exists(logPlace))) return nothing
  const log = await Log.open(logPlace)
  try {
    // Older segments are read to their ends, which shows what is damaged in them. The newest was read by the opening.
    const hasOlder = (await listSegments(disk, logPlace.dir)).length > 1
    for await (const _ of hasOlder ? log.records(1) : []) context.signal.throwIfAborted()
    const { state, head, damage } = log
    const blobs = new Blobs(disk, ids, `${homes.stemmaHome}/blobs`)
    return {
      keys: logKey === null || state.keys?.logKey.equals(logKey) ? null : otherKeys,
      log:
        damage && toldOf(new Fault('log-damaged', `The log is damaged at byte ${damage.at}: ${damage.why}.`)),
      seq: head.seq,
      folders: foldersOf(state.files().keys()),
      ...(await lookAtContents(context, state, blobs)),
    }
  } finally {
    await log.close()
  }
}

/** With all that lie above them, the home included. */
function foldersOf(paths: Iterable<string>): number {
  const folders = new Set(['.'])
  for (const path of paths)
    for (let at = posix.dirname(path); !folders.has(at); at = posix.dirname(at)) folders.add(at)
  return folders.size
}

const otherKeys: Told = toldOf(
  new Fault('keys-damaged', 'The keys in the keys folder are not those of the log.'),
)

/** Every content that the state needs is there and what its name says. */
async function lookAtContents(
  { signal }: World,
  state: State,
  blobs: Blobs,
): Promise<Pick<Seen, 'missing' | 'damaged'>> {
  const files = [...state.maps.files.rows().values()].map((row) => toHash(row.blob))
  const needed = new Set([...files, ...(await neededBySecrets(state, blobs))])
  const missing = new Set<Hash>([...(await blobs.lacking(needed)), ...(await missingSecrets(state, blobs))])
  const damaged: Hash[] = []
  for (const hash of needed) {
    signal.throwIfAborted()
    if (!missing.has(hash) && !(await blobs.isSound(hash))) damaged.push(hash)
  }
  return { missing: [...missing], damaged }
}
