/**
 * The example log of docs/FORMAT.md: keys, times and contents are constants, and Ed25519 needs no luck, so every
 * byte of it is the same wherever it is made.
 */
import { fingerprint, sign } from '../../../engine/crypto/ed25519.ts'
import { fromHash, sha256, toHash } from '../../../engine/crypto/hash.ts'
import { sealKey } from '../../../engine/crypto/x25519.ts'
import { readFile } from '../../../engine/disk/save.ts'
import { emptyRoot, MerkleMap } from '../../../engine/fold/merkle.ts'
import { formatKeyFile } from '../../../engine/keys/file.ts'
import { signingKey } from '../../../engine/keys/keys.ts'
import { formatRecoveryKey } from '../../../engine/keys/recovery.ts'
import { Log } from '../../../engine/log/log.ts'
import { RecordReader } from '../../../engine/log/record.ts'
import { makeGrant, openGrant } from '../../../engine/secrets/grant.ts'
import { openSecret, sealSecret } from '../../../engine/secrets/seal.ts'
import { openWraps, readWraps, writeWraps } from '../../../engine/secrets/wraps.ts'
import type { Event } from '../../../schemas/event/index.ts'
import { assert, isRefusal } from '../../../schemas/fault.ts'
import { type HomePath, isHomePath } from '../../../schemas/path.ts'
import { type FileRow, type RotationRow, rowLayouts } from '../../../schemas/section.ts'
import {
  bucketBytes,
  chainRoot,
  channelBytes,
  charterBytes,
  checkpointBytes,
  grantBytes,
  mapKeyBytes,
  nodeBytes,
  recoverBytes,
  revisionBytes,
  rotateBytes,
  secretBytes,
  stateBytes,
  wrapBytes,
} from '../../../schemas/signable.ts'
import { mintCertificate } from '../../../transport/identity/cert.ts'
import { SimDisk } from '../../sim/disk.ts'
import { SimIds } from '../../sim/ids.ts'

export const startMs = 1_700_000_000_000
const seed = (byte: number) => Buffer.alloc(32, byte)
export const keys = {
  log: signingKey(seed(1)),
  node: signingKey(seed(2)),
  recovery: signingKey(seed(3)),
  nextLog: signingKey(seed(4)),
}
export const logId = Buffer.from(Array.from({ length: 16 }, (_, index) => index))

const charterFields = {
  logId,
  logKey: keys.log.public,
  nodeKey: keys.node.public,
  recoveryKey: keys.recovery.public,
  foldVersion: 1,
}
const charter: Event = {
  type: 'log.chartered',
  body: {
    ...charterFields,
    byLog: sign(keys.log.private, charterBytes(charterFields)),
    byNode: sign(keys.node.private, charterBytes(charterFields)),
  },
}

const homePath = (path: string): HomePath => {
  assert(isHomePath(path), 'the example has safe paths')
  return path
}
const put = (path: string, exec: boolean, content: string): Event => ({
  type: 'file.put',
  body: {
    path: homePath(path),
    exec,
    size: Buffer.byteLength(content),
    blob: sha256(Buffer.from(content)),
  },
})
const files = [put('AGENTS.md', false, 'Be brief.\n'), put('hooks/check.sh', true, '#!/bin/sh\n')]

const rotation = {
  logId,
  index: 1,
  oldKey: keys.log.public,
  newKey: keys.nextLog.public,
  role: 'log',
} as const
const recovered = recoverBytes(rotation)
const recoveryRow: RotationRow = {
  kind: 'recovered',
  role: 'log',
  key: keys.nextLog.public,
  by: sign(keys.recovery.private, recovered),
  byNew: sign(keys.nextLog.private, recovered),
  seq: 4,
}

/** Both segments of the example: the first from the charter on, the second after a compaction. */
export async function exampleSegments(): Promise<readonly [Buffer, Buffer]> {
  const disk = new SimDisk()
  const place = { disk, ids: new SimIds(1), dir: '/log' }
  const log = await Log.create(place, [charter], startMs, keys.log.private)
  await log.append(files, startMs + 1000, keys.log.private)
  await log.compact()
  await log.close()
  return [await contentOf(disk, '0000000000000001.seg'), await contentOf(disk, '0000000000000004.seg')]
}

async function contentOf(disk: SimDisk, name: string): Promise<Buffer> {
  const content = await readFile(disk, `/log/${name}`, 1_000_000)
  assert(content, 'a segment of the example is there')
  return content
}

/** The payloads of a segment's records, in order. */
export async function payloadsOf(segment: Buffer): Promise<Buffer[]> {
  const disk = new SimDisk()
  disk.plantFile('/segment', segment)
  const file = await disk.open('/segment', 'read')
  const reader = new RecordReader(file, 64, segment.length)
  const out: Buffer[] = []
  for (let run = await reader.next(); run !== null; run = await reader.next())
    out.push(...run.map((record) => record.payload))
  await file.close()
  assert(reader.damage === null, 'the example is whole')
  return out
}

const emptyFile: FileRow = { exec: false, size: 0, blob: sha256(Buffer.alloc(0)) }

/** A map of this many files, all empty: names f00, f01 and so on. */
function emptyFiles(count: number): { readonly root: Buffer; readonly keyHashes: readonly Buffer[] } {
  const map = new MerkleMap<FileRow>(rowLayouts.files)
  const names = Array.from({ length: count }, (_, index) => `f${String(index).padStart(2, '0')}`)
  for (const name of names) map.set(name, emptyFile)
  return { root: map.root(), keyHashes: names.map((name) => sha256(mapKeyBytes(name))) }
}

/** What the children of its root hash to when none holds more than a bucket, told without the map. */
function childrenOf(keyHashes: readonly Buffer[]): readonly Buffer[] {
  const value = sha256(rowLayouts.files(emptyFile))
  return Array.from({ length: 16 }, (_, nibble) => {
    const below = keyHashes.filter((key) => (key[0] ?? 0) >> 4 === nibble).sort((a, b) => a.compare(b))
    assert(below.length <= 16, 'the example is one level deep')
    return below.length === 0 ? emptyRoot : sha256(bucketBytes(below.map((key) => ({ key, value }))))
  })
}

/** A secret of the example: sealed, its key wrapped, the epoch granted; each with its bytes of chance told. */
function secretValues(): Readonly<Record<string, Buffer>> {
  // In place of chance.
  const constant = (byte: number) => ({
    bytes: (length: number) => Buffer.alloc(length, byte),
    name: () => 'example',
    fraction: () => 0,
  })
  const content = Buffer.alloc(16, 0x11)
  const plain = Buffer.from('KEY=canary\n')
  const sealed = sealSecret(constant(0x22), { logId, content }, plain)
  assert(!isRefusal(sealed), 'the example is small')
  const blob = sha256(sealed.sealed)
  const live = { content, sealed: toHash(blob), sealedBytes: sealed.sealed.length, key: sealed.key }
  const epoch = { logId, epoch: 1, key: Buffer.alloc(32, 0x33) }
  const wraps = writeWraps(constant(0x44), epoch, [live])
  const follower = fromHash(fingerprint(keys.nextLog.public))
  const seal = sealKey(Buffer.alloc(32, 0x66))
  const grant = makeGrant(constant(0x55), { ...epoch, follower }, seal.public, epoch.key)
  const read = readWraps(wraps)
  assert(!isRefusal(read), 'the example is well formed')
  const opened = openWraps(read, { ...epoch, key: openedOr(openGrant(seal, { ...epoch, follower }, grant)) })
  assert(!isRefusal(opened) && opened[0], 'the wraps of the example open')
  const again = openedOr(openSecret(opened[0].key, { logId, content }, sealed.sealed))
  assert(again.equals(plain), 'the secret of the example opens')
  return {
    'secret bytes': secretBytes({ logId, content }),
    ciphertext: sealed.sealed,
    'ciphertext hash': blob,
    'wrap bytes': wrapBytes({ logId, epoch: 1, content, sealed: blob }),
    wraps,
    'wraps hash': sha256(wraps),
    'grant bytes': grantBytes({ logId, epoch: 1, follower }),
    'follower seal key': seal.public,
    grant,
  }
}
function openedOr(opened: ReturnType<typeof openSecret>): Buffer {
  assert(!isRefusal(opened), 'the example opens')
  return opened
}

/** Every value that docs/FORMAT.md quotes in hex, by the name it has there. */
export async function exampleValues(): Promise<Readonly<Record<string, Buffer>>> {
  const [first, second] = await exampleSegments()
  const [entry1, head1, entry2, entry3, head3] = await payloadsOf(first)
  const [filesPart, keysPart] = await payloadsOf(second)
  assert(entry1 && head1 && entry2 && entry3 && head3 && filesPart && keysPart, 'the example has its records')
  const rowOf = (event: Event): FileRow => {
    assert(event.type === 'file.put', 'the example puts files')
    return event.body
  }
  const [agents, hook] = files
  assert(agents && hook, 'the example puts two files')
  const agentsRow = rowLayouts.files(rowOf(agents))
  const filesMap = new MerkleMap<FileRow>(rowLayouts.files)
  filesMap.set('AGENTS.md', rowOf(agents))
  filesMap.set('hooks/check.sh', rowOf(hook))
  const pairs = [
    { key: sha256(mapKeyBytes('AGENTS.md')), value: sha256(agentsRow) },
    { key: sha256(mapKeyBytes('hooks/check.sh')), value: sha256(rowLayouts.files(rowOf(hook))) },
  ].sort((a, b) => a.key.compare(b.key))
  const keysMap = new MerkleMap(rowLayouts.keys)
  assert(charter.type === 'log.chartered', 'the example begins with a charter')
  const charterRow = { kind: 'charter', ...charter.body } as const
  keysMap.set('0', charterRow)
  const none = emptyRoot
  const state = stateBytes(1, [filesMap.root(), none, none, none, none, keysMap.root(), none], none)
  const revision = revisionBytes(filesMap.root(), none)
  assert(
    head3.subarray(71, 135).equals(Buffer.concat([sha256(state), sha256(revision)])),
    'what is laid out here is what the log signed',
  )
  const sixteen = emptyFiles(16)
  const seventeen = emptyFiles(17)
  const children = childrenOf(seventeen.keyHashes)
  assert(sha256(nodeBytes(children)).equals(seventeen.root), 'the root is that of its children')
  const exporter = Buffer.alloc(32, 0x55)
  const rotated = rotateBytes(rotation)
  return {
    'log key': keys.log.public,
    'node key': keys.node.public,
    'recovery key': keys.recovery.public,
    'node fingerprint': fromHash(fingerprint(keys.node.public)),
    'chain root': chainRoot(logId),
    'chain root hash': sha256(chainRoot(logId)),
    'charter bytes': charterBytes(charterFields),
    'charter by log key': Buffer.from(charter.body.byLog),
    'charter by node key': Buffer.from(charter.body.byNode),
    'charter row hash': sha256(rowLayouts.keys(charterRow)),
    'entry 1 hash': sha256(entry1),
    'entry 2': entry2,
    'entry 2 hash': sha256(entry2),
    'entry 3 hash': sha256(entry3),
    'file key bytes': mapKeyBytes('AGENTS.md'),
    'file key hash': sha256(mapKeyBytes('AGENTS.md')),
    'file row bytes': agentsRow,
    'file row hash': sha256(agentsRow),
    'files bucket': bucketBytes(pairs),
    'files root': filesMap.root(),
    'keys root': keysMap.root(),
    'state bytes': state,
    'state hash': sha256(state),
    'revision bytes': revision,
    'revision hash': sha256(revision),
    'head 3': head3,
    'first segment': first,
    'second segment': second,
    'sixteen root': sixteen.root,
    'seventeen root': seventeen.root,
    'seventeen key hash prefixes': Buffer.concat(seventeen.keyHashes.map((hash) => hash.subarray(0, 2))),
    'seventeen children': Buffer.concat(children),
    'empty file row hash': sha256(rowLayouts.files(emptyFile)),
    checkpoint: sha256(checkpointBytes(none, 256, Buffer.alloc(32, 0xaa))),
    'rotate bytes': rotated,
    'rotate by old key': sign(keys.log.private, rotated),
    'rotate by new key': sign(keys.nextLog.private, rotated),
    'recover by recovery key': Buffer.from(recoveryRow.by),
    'recover by new key': Buffer.from(recoveryRow.byNew),
    'recovery row hash': sha256(rowLayouts.keys(recoveryRow)),
    'channel proof': sign(keys.log.private, channelBytes(head3, exporter)),
    'node certificate': mintCertificate(keys.node),
    ...secretValues(),
  }
}

/** What it quotes as text. */
export const exampleTexts: readonly string[] = [
  formatKeyFile('log', seed(1)).toString(),
  formatRecoveryKey(seed(3)),
  formatKeyFile('seal', seed(0x66)).toString(),
]
