/**
 * An open file of the simulated disk.
 * Always holds: each call is one call of the disk, so it is counted and can be struck; a failed or torn write
 * leaves a part behind, a failed sync spoils what it should have saved.
 */
import type { DiskFile, Stat } from '../../engine/disk/disk.ts'
import type { DiskCall } from '../../engine/disk/errno.ts'
import { assert } from '../../schemas/fault.ts'
import { readAt, resize, writeAt } from './content.ts'
import { spoilFile, syncFile } from './durable.ts'
import type { Image } from './image.ts'
import { type FileNode, type Node, Refused } from './node.ts'
import { sectorsOf } from './patch.ts'
import type { Random } from './random.ts'

/** What a fault leaves behind: `spoil` of a failed sync, `part` of a failed write, `tear` of one in a power cut. */
export type Luck = { readonly spoil?: () => void; readonly part?: () => void; readonly tear?: () => void }

/** What a file needs of its disk. */
export type Host = {
  call<T>(call: DiskCall, path: string, act: () => T, luck?: Luck): Promise<T>
  readonly random: Random
  freeNow(): number
  statOf(node: Node): Stat
}

export class SimFile implements DiskFile {
  readonly #disk: Host
  readonly #image: Image
  readonly #id: number
  readonly #path: string
  readonly #writable: boolean
  #closed = false

  constructor(disk: Host, image: Image, id: number, path: string, writable: boolean) {
    this.#disk = disk
    this.#image = image
    this.#id = id
    this.#path = path
    this.#writable = writable
    image.held.set(id, (image.held.get(id) ?? 0) + 1)
  }

  async read(into: Uint8Array, position: number): Promise<number> {
    return this.#call('read', () => readAt(this.#file().live, into, position))
  }

  async write(parts: readonly Uint8Array[], position: number): Promise<void> {
    // Copied now: the caller may use its buffers again at once after the call.
    const bytes = Buffer.concat(parts)
    if (bytes.length === 0) return
    const { random } = this.#disk
    await this.#call(
      'write',
      () => {
        this.#mayWrite()
        const grows = Math.max(0, position + bytes.length - this.#file().live.length)
        const lacks = grows - this.#disk.freeNow()
        this.#put(lacks > 0 ? bytes.subarray(0, Math.max(0, bytes.length - lacks)) : bytes, position)
        if (lacks > 0) throw new Refused('ENOSPC')
      },
      {
        part: () => this.#put(bytes.subarray(0, random.below(bytes.length)), position),
        tear: () => {
          if (random.chance(0.5))
            return this.#put(bytes.subarray(0, random.below(bytes.length)), position, true)
          for (const sector of sectorsOf(position, bytes))
            if (random.chance(0.5)) this.#put(sector.bytes, sector.position, true)
        },
      },
    )
  }

  async truncate(length: number): Promise<void> {
    await this.#call('truncate', () => {
      this.#mayWrite()
      const file = this.#image.own(this.#file())
      file.live = resize(file.live, length)
      file.pending = [...file.pending, { step: this.#image.nextStep(), sure: false, kind: 'resize', length }]
      this.#image.touch(file)
    })
  }

  async sync(): Promise<void> {
    await this.#call('sync', () => syncFile(this.#image, this.#id, true), this.#spoil())
  }

  async dataSync(): Promise<void> {
    await this.#call('dataSync', () => syncFile(this.#image, this.#id, false), this.#spoil())
  }

  async stat(): Promise<Stat> {
    return this.#call('stat', () => this.#disk.statOf(this.#file()))
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const left = (this.#image.held.get(this.#id) ?? 1) - 1
    if (left > 0) this.#image.held.set(this.#id, left)
    else this.#image.held.delete(this.#id)
    await this.#disk.call('close', this.#path, () => undefined)
  }

  #call<T>(call: DiskCall, act: () => T, luck?: Luck): Promise<T> {
    assert(!this.#closed, `${this.#path} is used after its close`)
    return this.#disk.call(call, this.#path, act, luck)
  }

  #spoil(): Luck {
    return { spoil: () => spoilFile(this.#image, this.#id, this.#disk.random) }
  }

  #file(): FileNode {
    return this.#image.file(this.#id)
  }

  #mayWrite(): void {
    assert(this.#writable, `${this.#path} was opened for reading`)
  }

  #put(bytes: Buffer, position: number, sure = false): void {
    if (bytes.length === 0) return
    const file = this.#image.own(this.#file())
    file.live = writeAt(file.live, bytes, position)
    file.pending = [...file.pending, { step: this.#image.nextStep(), sure, kind: 'write', position, bytes }]
    this.#image.touch(file)
  }
}
