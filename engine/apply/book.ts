/**
 * The ledger of one home as it is stored, read once for as long as it stays as it was: a home of ten thousand files is
 * asked for it several times at every change.
 * Always holds: what is handed out is what the file says now; a file that anybody replaced is read again.
 */
import { Fault } from '../../schemas/fault.ts'
import type { Disk, Stat } from '../disk/disk.ts'
import type { Ids } from '../env/ids.ts'
import { sameStat } from './digest.ts'
import { type Ledger, loadLedger, saveLedger } from './ledger.ts'

export class Book {
  readonly #disk: Disk
  readonly #ids: Ids
  readonly #path: string
  #known: { readonly ledger: Ledger; readonly stat: Stat } | null = null

  constructor(disk: Disk, ids: Ids, path: string) {
    this.#disk = disk
    this.#ids = ids
    this.#path = path
  }

  /** An empty one when there is none. Fault `ledger-damaged` when it cannot be believed. */
  async load(): Promise<Ledger> {
    const stat = await this.#disk.stat(this.#path)
    if (stat && this.#known && sameStat(this.#known.stat, stat)) return this.#known.ledger
    // Looked at before it is read: one that is replaced meanwhile is read again at the next call.
    const ledger = await loadLedger(this.#disk, this.#path)
    this.#known = stat && { ledger, stat }
    return ledger
  }

  /** Durable on return: the old ledger or this one, whatever happens in between. */
  async save(ledger: Ledger): Promise<void> {
    this.#known = null
    await saveLedger(this.#disk, this.#ids, this.#path, ledger)
    try {
      const stat = await this.#disk.stat(this.#path)
      this.#known = stat && { ledger, stat }
    } catch (error) {
      // It is saved; it is only read again.
      if (!(error instanceof Fault)) throw error
    }
  }
}
