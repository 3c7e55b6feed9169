/** The door of the socket: bytes as a follower may send them behind the upgrade, held against a reader of our own. */
import { isUtf8 } from 'node:buffer'
import { assert } from '../../schemas/fault.ts'
import { controlFramesMax, fragmentsMax, frameBytesMax } from '../../schemas/limits.ts'
import { SimClock } from '../sim/clock.ts'
import { Line } from '../transport/link/line.ts'

/** Where a stream ends: in good order, in the middle of something, or beyond the rules. */
type Read = { readonly messages: readonly Buffer[]; readonly end: 'open' | 'closed' | 'bad' }

/** Frames of a client, by RFC 6455 and our limits, written from those alone. */
export function readStream(bytes: Buffer): Read {
  const messages: Buffer[] = []
  const over = (end: Read['end']): Read => ({ messages, end })
  let pieces: Buffer[] | null = null
  let isText = false
  let controls = 0
  for (let at = 0; at + 2 <= bytes.length; ) {
    const [first, second] = [bytes.readUInt8(at), bytes.readUInt8(at + 1)]
    at += 2
    const [isFinal, opcode] = [first >= 0x80, first & 15]
    let length = second & 0x7f
    if ((first & 0x70) !== 0 || second < 0x80) return over('bad')
    if (opcode > 2 && (opcode < 8 || opcode > 10)) return over('bad')
    const isControl = opcode >= 8
    if (isControl && (!isFinal || length > 125 || (opcode === 8 && length === 1))) return over('bad')
    if (!isControl && (opcode === 0) === (pieces === null)) return over('bad')
    if (length >= 126) {
      const width = length === 126 ? 2 : 8
      if (at + width > bytes.length) return over('open')
      length = width === 2 ? bytes.readUInt16BE(at) : Number(bytes.readBigUInt64BE(at))
      at += width
    }
    const before: number = pieces?.reduce((sum, piece) => sum + piece.length, 0) ?? 0
    if (length > 125 && isControl) return over('bad')
    if (!isControl && before + length > frameBytesMax) return over('bad')
    if (at + 4 > bytes.length) return over('open')
    const mask = bytes.subarray(at, at + 4)
    at += 4
    if (at + length > bytes.length) return over('open')
    const payload = Buffer.from(bytes.subarray(at, at + length)).map((byte, n) => byte ^ (mask[n & 3] ?? 0))
    at += length
    if (isControl) {
      if (opcode === 8) return over(isSoundClose(Buffer.from(payload)) ? 'closed' : 'bad')
      if (++controls > controlFramesMax) return over('bad')
      continue
    }
    isText = opcode === 0 ? isText : opcode === 1
    pieces = [...(pieces ?? []), Buffer.from(payload)]
    if (pieces.length > fragmentsMax) return over('bad')
    if (!isFinal) continue
    // It is none of ours, and seen when it is whole.
    if (isText) return over('bad')
    messages.push(Buffer.concat(pieces))
    pieces = null
  }
  return over('open')
}

function isSoundClose(payload: Buffer): boolean {
  if (payload.length === 0) return true
  const status = payload.readUInt16BE(0)
  const isKnown =
    (status >= 1000 && status <= 1014 && ![1004, 1005, 1006].includes(status)) ||
    (status >= 3000 && status <= 4999)
  return isKnown && isUtf8(payload.subarray(2))
}

/** Of the loop, for a stream to end in. */
const turnsMax = 100

/** @param cut where the bytes come in two pieces. @returns how the wire stands, or ended. */
export async function socketDoor(bytes: Buffer, cut = bytes.length): Promise<string> {
  const expected = readStream(bytes)
  const line = new Line(new SimClock())
  const given: Buffer[] = []
  let end = 'open'
  let isOver = false
  void line.wire.closed.then(({ code }) => {
    end = code
  })
  const reading = (async () => {
    for (let got = await line.wire.receive(); got !== null; got = await line.wire.receive())
      given.push(Buffer.from(got))
    isOver = true
  })()
  line.arrive(bytes.subarray(0, cut))
  line.arrive(bytes.subarray(cut))
  await new Promise((resolve) => setImmediate(resolve))
  const stood = isOver ? 'ended' : 'open'
  line.destroy()
  for (let turns = 0; end === 'open' && turns < turnsMax; turns++)
    await new Promise((resolve) => setImmediate(resolve))
  assert(end !== 'open', 'it goes on after the other side has hung up')
  await reading
  const found =
    given.length <= expected.messages.length && given.every((one, n) => expected.messages[n]?.equals(one))
  assert(found, 'it gave out what did not come')
  if (expected.end === 'open') {
    assert(stood === 'open', 'it ended without a reason')
    assert(given.length === expected.messages.length, 'it lost a frame')
    return 'open'
  }
  // A close that was answered waits for the other side to hang up.
  if (expected.end === 'closed') return 'gone'
  assert(stood === 'ended', 'it stood beyond the rules')
  assert(end === 'protocol', `it ended with ${end}`)
  return end
}
