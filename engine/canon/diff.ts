/**
 * What changed between the canonical tree of the log and a scan, as events.
 * Always holds: applying the events to `previous` gives the scanned tree; paths in `kept` are left as they were;
 * removals come first, so that every event is acceptable when its turn comes (a file that became a folder, a
 * folder that became a file, a name that changed only its case).
 */
import type { Event } from '../../schemas/event/index.ts'
import type { HomePath } from '../../schemas/path.ts'
import { fromHash } from '../crypto/hash.ts'
import type { CanonFile, CanonFiles } from '../fold/file.ts'

/** The part of a scan that a diff reads. */
export type Scanned = { readonly files: CanonFiles; readonly kept: ReadonlySet<HomePath> }

export function diff(previous: CanonFiles, scan: Scanned): Event[] {
  const removals: Event[] = []
  for (const path of previous.keys()) {
    if (!scan.files.has(path) && !scan.kept.has(path)) removals.push({ type: 'file.removed', body: { path } })
  }
  const puts: Event[] = []
  for (const [path, file] of scan.files) {
    if (scan.kept.has(path) || same(previous.get(path), file)) continue
    puts.push({
      type: 'file.put',
      body: { path, exec: file.exec, size: file.size, blob: fromHash(file.blob) },
    })
  }
  return [...removals, ...puts]
}

const same = (a: CanonFile | undefined, b: CanonFile): boolean =>
  a !== undefined && a.blob === b.blob && a.size === b.size && a.exec === b.exec
