/**
 * What a follower gathers before it can be verified: the parts of a base, and entries up to the head that signs them.
 * Always holds: what is gathered is bounded in bytes and in pieces, however small the master makes them.
 */
import { type Head, readHead } from '../../engine/log/head.ts'
import { kindOf } from '../../engine/log/record.ts'
import { Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import {
  baseBytesMax,
  batchBytesMax,
  batchEntriesMax,
  runBytesMax,
  runRecordsMax,
} from '../../schemas/limits.ts'
import type { Down } from '../../schemas/wire/index.ts'
import { mustBeRecords } from './records.ts'

type BaseMessage = Extract<Down, { t: 'base' }>

/** The parts of one base, in their order. */
export class BaseIntake {
  #parts: Buffer[] = []
  #bytes = 0
  #first: BaseMessage | null = null

  /** Some parts are here, others not yet. */
  get isOpen(): boolean {
    return this.#first !== null
  }

  /** One part more; the whole base when it was the last. */
  take(message: BaseMessage): { readonly parts: readonly Buffer[]; readonly head: Head } | null {
    const { index, of, part } = message
    this.#first ??= { ...message, head: Buffer.from(message.head) }
    if (index !== this.#parts.length || index >= of || of !== this.#first.of || part.length === 0)
      throw unfit()
    if (!Buffer.from(message.head).equals(this.#first.head)) throw unfit()
    this.#bytes += part.length
    if (this.#bytes > baseBytesMax)
      throw new Fault('protocol', 'The base that the master sends is too large.')
    this.#parts.push(Buffer.from(part))
    if (this.#parts.length < of) return null
    const head = readHead(this.#first.head)
    if (isRefusal(head)) throw toFault(head)
    const parts = this.#parts
    this.#parts = []
    this.#bytes = 0
    this.#first = null
    return { parts, head }
  }
}

const unfit = (): Fault =>
  new Fault('protocol', 'The parts of the base that the master sends do not fit together.')

/** Entries and heads, in their order. */
export class RunIntake {
  #records: Uint8Array[] = []
  #bytes = 0
  /** Behind the last head. */
  #unsigned = { entries: 0, bytes: 0 }

  get isEmpty(): boolean {
    return this.#records.length === 0
  }

  /** Some records more; once enough is gathered, those that a head signs: they should be stored now. */
  take(records: readonly Uint8Array[]): readonly Uint8Array[] | null {
    if (records.length === 0) throw new Fault('protocol', 'The master sent entries, and there were none.')
    mustBeRecords(records)
    for (const record of records) {
      this.#records.push(record)
      this.#bytes += record.length
      const { entries, bytes } = this.#unsigned
      this.#unsigned =
        kindOf(record) === 'head'
          ? { entries: 0, bytes: 0 }
          : { entries: entries + 1, bytes: bytes + record.length }
      if (this.#unsigned.entries > batchEntriesMax || this.#unsigned.bytes > batchBytesMax)
        throw new Fault('protocol', 'The master sent entries without end and no head.')
    }
    if (this.#bytes <= runBytesMax && this.#records.length <= runRecordsMax) return null
    const end = this.#records.findLastIndex((record) => kindOf(record) === 'head') + 1
    const signed = this.#records.slice(0, end)
    this.#records = this.#records.slice(end)
    this.#bytes = this.#unsigned.bytes
    return signed.length > 0 ? signed : null
  }

  /** All that is left. */
  rest(): readonly Uint8Array[] {
    const rest = this.#records
    this.#records = []
    this.#bytes = 0
    this.#unsigned = { entries: 0, bytes: 0 }
    return rest
  }
}
