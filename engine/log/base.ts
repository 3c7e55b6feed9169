/**
 * The base: a folded state in parts, as a segment begins with it and a cold join receives it.
 * A part is msgpack `[section, index, rows]`; rows of a section are `[key, row]`, those of the checkpoint
 * section `[seq, hash]`. Always holds: parts are in the order of the sections and key history rows in the order of the history;
 * a base is believed only when the state it gives hashes to what its signed head says.
 */
import { foldVersion } from '../../schemas/event/index.ts'
import { isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import { baseBytesMax, basePartBytesMax, checkpointEveryEntries } from '../../schemas/limits.ts'
import { isHomePath } from '../../schemas/path.ts'
import {
  checkpointSection,
  type KeyRow,
  type Row,
  rows,
  type Section,
  sections,
} from '../../schemas/section.ts'
import { bytes, count, isFollowerId, v } from '../../schemas/shape.ts'
import { checkpointBytes } from '../../schemas/signable.ts'
import { check, decode, encode } from '../codec/msgpack.ts'
import { fingerprint } from '../crypto/ed25519.ts'
import { sha256, toHash } from '../crypto/hash.ts'
import { readKeys } from '../fold/keys.ts'
import { emptyRoot } from '../fold/merkle.ts'
import { currentEpochKey } from '../fold/reducers/epoch.ts'
import { enrolmentKey } from '../fold/reducers/follower.ts'
import { keyName } from '../fold/reducers/key.ts'
import { selectionKey } from '../fold/reducers/selection.ts'
import { isTooMany, unsound } from '../fold/sound.ts'
import { type Change, State } from '../fold/state.ts'
import { type Head, headFault, stateFault } from './head.ts'

/** Tells a base part from an entry by its first byte: msgpack of a three-array. */
export const partLead = 0x93
/** Well below what is allowed: a part is on its way as a whole, and on a slow line that has to be soon. */
const partTarget = 24 * 1024
const rowPair = v.strictTuple([v.string(), v.unknown()])
const partShape = v.strictTuple([count, count, v.array(v.unknown())])
const checkpointShape = v.strictTuple([count, bytes(32)])

/** The parts of a state's base. */
export function writeBase(state: State): Buffer[] {
  const parts: Buffer[] = []
  const add = (section: number, items: unknown[]) => {
    let from = 0
    let size = 0
    for (let i = 0; i < items.length; i++) {
      const length = encode(items[i]).length
      if (size + length > partTarget && i > from) {
        parts.push(Buffer.from(encode([section, parts.length, items.slice(from, i)])))
        from = i
        size = 0
      }
      size += length
    }
    if (from < items.length) parts.push(Buffer.from(encode([section, parts.length, items.slice(from)])))
  }
  sections.forEach((section, number) => {
    const pairs: [string, unknown][] = [...state.maps[section].rows()]
    add(number, pairs.sort(section === 'keys' ? byNumber : byName))
  })
  add(
    checkpointSection,
    state.checkpoints.map(({ seq, entry }) => [seq, entry]),
  )
  return parts
}

const byName = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : 1)
/** The key history is told in its own order. */
const byNumber = ([a]: [string, unknown], [b]: [string, unknown]): number => Number(a) - Number(b)

/** The state that parts and head describe, every signature and invariant of it checked. */
export function readBase(parts: readonly Uint8Array[], head: Head): State | Refusal {
  if (head.foldVersion !== foldVersion)
    return refuse('upgrade-needed', 'The base is folded by rules that this stemma does not know.', {
      version: head.foldVersion,
    })
  const state = new State()
  const keyRows: KeyRow[] = []
  let total = 0
  let order = 0
  let checkpoint = emptyRoot
  for (const [index, bytesOfPart] of parts.entries()) {
    total += bytesOfPart.length
    if (bytesOfPart.length > basePartBytesMax || total > baseBytesMax) return bad('it is too large')
    // Another msgpack of the same value would be accepted here and not be found again on disk.
    if (bytesOfPart[0] !== partLead) return bad('a part has another form than it must')
    const part = decode(bytesOfPart, partShape, 'A part of a base')
    if (isRefusal(part)) return part
    const [number, itsIndex, items] = part
    if (items.length === 0) return bad('a part of it is empty')
    if (itsIndex !== index || number < order) return bad('its parts are out of order')
    order = number
    const section = sections[number]
    if (section === undefined && number !== checkpointSection)
      return refuse('upgrade-needed', 'The base has a section that this stemma does not know.')
    for (const item of items) {
      if (section === undefined) {
        const pair = check(item, checkpointShape, 'A checkpoint')
        if (isRefusal(pair)) return pair
        const [seq, entry] = pair
        if (seq !== (state.checkpoints.length + 1) * checkpointEveryEntries || seq > head.seq)
          return bad('its checkpoints are not where they belong')
        checkpoint = sha256(checkpointBytes(checkpoint, seq, entry))
        state.checkpoints.push({ seq, entry: Buffer.from(entry) })
        continue
      }
      const change = readRow(section, item)
      if (isRefusal(change)) return change
      if (change.row === null || state.maps[section].has(change.key)) return bad('it has a row twice')
      if (change.section === 'files' || change.section === 'secrets') {
        const fault = state.names.fault(change.key)
        if (fault || state.maps[change.section === 'files' ? 'secrets' : 'files'].has(change.key))
          return bad('two of its paths would be one file')
      }
      if (change.section === 'keys') {
        if (change.key !== keyName(keyRows.length)) return bad('its key history is out of order')
        keyRows.push(change.row)
      }
      state.restore(change)
      if (isTooMany(state)) return bad('it has more rows than a log may have')
    }
  }
  const keys = readKeys(keyRows)
  if (isRefusal(keys)) return keys
  if (keyRows.some((row) => row.kind !== 'charter' && row.seq > head.seq))
    return bad('its key history reaches beyond its head')
  const why = unsound(state)
  if (why) return bad(why)
  state.keys = keys
  state.at = {
    seq: head.seq,
    entry: head.entry,
    timeMs: head.timeMs,
    foldVersion: head.foldVersion,
    checkpoint,
  }
  if (state.checkpoints.length !== Math.floor(head.seq / checkpointEveryEntries))
    return bad('its checkpoints are not complete')
  return headFault(head, state, 'signature') ?? stateFault(head, state) ?? state
}

const bad = (why: string): Refusal => refuse('protocol', `A base cannot be accepted: ${why}.`)

/** A row under the key that belongs to it, or a refusal. */
function readRow(section: Section, item: unknown): Change | Refusal {
  const pair = check(item, rowPair, `A row of ${section}`)
  if (isRefusal(pair)) return pair
  const [key, raw] = pair
  const row = copied(check(raw, rows[section], `A row of ${section}`))
  if (isRefusal(row)) return row
  // The table pairs each section with its row's shape, which the compiler cannot follow through a lookup.
  const change = { section, key, row } as Change
  return keyFits(change) ? change : bad('a row stands under a name that is not its own')
}

function keyFits(change: Change): boolean {
  if (change.row === null) return false
  switch (change.section) {
    case 'files':
    case 'secrets':
      return isHomePath(change.key)
    case 'followers':
      return change.row.kind === 'follower'
        ? change.key === fingerprint(change.row.node)
        : change.key === enrolmentKey
    case 'epochs':
      return change.row.kind === 'grant'
        ? isFollowerId(change.key) && change.key === toHash(change.row.follower)
        : change.key === currentEpochKey
    case 'keys':
      // Their order, and so their names, is checked where they are read.
      return true
    case 'selection':
      return change.key === selectionKey
  }
}

/** Rows outlive the part that they were decoded from. */
function copied<R extends Row<Section> | Refusal>(row: R): R {
  if (isRefusal(row)) return row
  return Object.fromEntries(
    Object.entries(row).map(([field, value]) => [
      field,
      value instanceof Uint8Array ? Uint8Array.from(value) : value,
    ]),
  ) as R
}
