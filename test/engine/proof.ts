/**
 * Judges an evidence file off-line, from its bytes alone: docs/FORMAT.md in plain code, with node:crypto for the
 * signatures and none of the product's.
 */
import { createHash, createPublicKey, verify } from 'node:crypto'
import { readValue } from './codec/wild.ts'

type Side = { readonly seq: number; readonly entry: string; readonly signedHead: string }
type Evidence = {
  readonly finding: string
  readonly logId: string
  readonly logKey: string
  readonly ours: Side
  readonly theirs: Side
  readonly records: readonly string[]
}
const tag = Buffer.from('stemma/head/v1\0', 'latin1')
const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

/** What a file proves: one key signed two histories, or a newer one than it shows now. */
export function judge(content: Buffer): 'fork' | 'rollback' | 'nothing' {
  const evidence = JSON.parse(content.toString()) as Evidence
  const sides = [evidence.ours, evidence.theirs] as const
  if (!sides.every((side) => isSigned(side, evidence))) return 'nothing'
  const [ours, theirs] = sides
  if (evidence.finding === 'rollback') return theirs.seq < ours.seq ? 'rollback' : 'nothing'
  if (ours.seq === theirs.seq) return ours.entry === theirs.entry ? 'nothing' : 'fork'
  return contradictsByRecords(evidence) ? 'fork' : 'nothing'
}

function isSigned(side: Side, { logId, logKey }: Evidence): boolean {
  const head = Buffer.from(side.signedHead, 'hex')
  const says =
    head.length === 211 &&
    head.subarray(0, 15).equals(tag) &&
    head.subarray(15, 31).toString('hex') === logId &&
    Number(head.readBigUInt64BE(31)) === side.seq &&
    head.subarray(39, 71).toString('hex') === side.entry
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), Buffer.from(logKey, 'hex')])
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  return says && verify(null, head.subarray(0, 147), key, head.subarray(147))
}

/** The records are a chain that ends in the head of one side, and it passes by the head of the other. */
function contradictsByRecords({ ours, theirs, records }: Evidence): boolean {
  const payloads = records.map((record) => Buffer.from(record, 'base64'))
  const last = payloads.pop()?.toString('hex')
  const [end, other] = last === theirs.signedHead ? [theirs, ours] : [ours, theirs]
  if (last !== end.signedHead) return false
  let before: { readonly seq: number; readonly hash: string } | null = null
  let contradicts = false
  for (const payload of payloads) {
    const value = readValue(payload, 8)?.value
    if (!Array.isArray(value)) return false
    const [seq, prev] = value
    if (typeof seq !== 'number' || !Buffer.isBuffer(prev)) return false
    if (before && (seq !== before.seq + 1 || prev.toString('hex') !== before.hash)) return false
    if (seq === other.seq + 1 && prev.toString('hex') !== other.entry) contradicts = true
    if (seq === other.seq && hashOf(payload) !== other.entry) contradicts = true
    before = { seq, hash: hashOf(payload) }
  }
  return contradicts && before?.hash === end.entry && before.seq === end.seq
}
