/**
 * A simulated machine with a Codex home, a blob store and a memory of what is canonical, for the tests of canon.
 * Always holds: `look` accepts each diff event by event, as the log would.
 */
import { Blobs } from '../../../engine/blobs/blobs.ts'
import { diff } from '../../../engine/canon/diff.ts'
import { emptyIndex, type Scan, type ScanInput, scan } from '../../../engine/canon/scan.ts'
import { defaultSelection } from '../../../engine/canon/selection.ts'
import { sha256Hex, toHash } from '../../../engine/crypto/hash.ts'
import type { CanonFile, CanonFiles } from '../../../engine/fold/file.ts'
import { Names } from '../../../engine/fold/names.ts'
import type { Event } from '../../../schemas/event/index.ts'
import type { HomePath } from '../../../schemas/path.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimDisk, type SimDiskOptions } from '../../sim/disk.ts'
import { SimIds } from '../../sim/ids.ts'

export const home = '/home/u/.codex'

/** The reducers' rules, with whatever they would refuse thrown. */
export function applied(previous: CanonFiles, events: readonly Event[]): Map<HomePath, CanonFile> {
  const state = new Map(previous)
  const names = new Names()
  for (const at of state.keys()) names.add(at)
  for (const event of events) {
    if (event.type === 'file.removed') {
      if (!state.delete(event.body.path)) throw new Error(`${event.body.path} is not there to be removed`)
      names.remove(event.body.path)
    } else if (event.type === 'file.put') {
      const { path, exec, size, blob } = event.body
      const why = state.has(path) ? null : names.fault(path)
      if (why !== null) throw new Error(`${path}: ${why}`)
      if (!state.has(path)) names.add(path)
      state.set(path, { exec, size, blob: toHash(blob) })
    } else throw new Error(`unexpected ${event.type}`)
  }
  return state
}

export class SimHome {
  readonly clock: SimClock
  readonly disk: SimDisk
  readonly blobs: Blobs
  canon: Map<HomePath, CanonFile> = new Map()
  index = emptyIndex

  constructor(options: SimDiskOptions = {}, make = (all: SimDiskOptions) => new SimDisk(all)) {
    this.clock = new SimClock()
    this.disk = make({ now: () => this.clock.now(), ...options })
    this.blobs = new Blobs(this.disk, new SimIds(), '/home/u/.stemma/blobs')
    this.disk.plantFolder('/home/u/.stemma/blobs')
    this.disk.plantFolder(home)
  }

  put(path: string, content: string, mode = 0o644): void {
    this.disk.plantFile(`${home}/${path}`, content, mode)
  }

  /** One scan, and its difference accepted as the log would. */
  async look(more: Partial<ScanInput> = {}): Promise<Scan & { events: Event[] }> {
    const { disk, blobs, clock, canon: previous, index } = this
    const found = await scan({
      disk,
      blobs,
      clock,
      home,
      previous,
      previousSecrets: new Set(),
      index,
      selection: defaultSelection,
      ...more,
    })
    const events = diff(previous, found)
    this.canon = applied(previous, events)
    this.index = found.index
    return { ...found, events }
  }

  /** Canonical paths and contents, from the blob store. */
  async contents(): Promise<Record<string, string>> {
    const out: Record<string, string> = {}
    for (const [path, file] of this.canon) {
      const pieces = []
      for await (const piece of this.blobs.read(file.blob)) pieces.push(piece)
      const whole = Buffer.concat(pieces)
      if (whole.length !== file.size) throw new Error(`${path} has ${whole.length} bytes, not ${file.size}`)
      out[path] = whole.toString()
    }
    return out
  }
}

export const hashOf = (content: string) => sha256Hex(Buffer.from(content))
export const shown = (events: readonly Event[]): string[] =>
  events.map((event) => ('path' in event.body ? `${event.type} ${event.body.path}` : event.type))
export const kinds = (found: { warnings: readonly { kind: string; path: string }[] }) =>
  found.warnings.map(({ kind, path }) => `${kind} ${path}`)
