/**
 * Where a symlink in the home may lead (S33). What is reached through one is recorded as regular files.
 * Always holds: a link is followed only to what is plain inside the home, or to exactly the place outside that
 * the selection approves for exactly this path; below a followed link nothing leads further out; no circle is
 * walked, since a linked folder is never followed into another link to a folder.
 */
import type { Stat } from '../disk/disk.ts'
import { classify, mayContain } from './classify.ts'
import type { Eyes } from './recall.ts'
import type { Selection } from './selection.ts'
import type { WarningKind } from './warning.ts'
import { printable } from './warning.ts'

export type Target =
  | { readonly kind: 'file'; readonly at: string; readonly stat: Stat }
  | { readonly kind: 'folder'; readonly at: string }
  /** Leads to a kind of thing that nothing asked for. */
  | { readonly kind: 'ignored' }
  | { readonly kind: 'refused'; readonly warning: WarningKind; readonly why: string }

type Around = {
  readonly disk: Eyes
  /** Real path of the home. */
  readonly root: string
  readonly selection: Selection
  readonly fences?: readonly string[]
}
type Holder = { readonly at: string; readonly fence: string | null }

/**
 * @param path of the link in the home.
 * @param holder the folder it lies in, by its real path.
 */
export async function resolveLink(around: Around, holder: Holder, path: string, at: string): Promise<Target> {
  const { disk, root, selection } = around
  const found = await disk.realPath(at)
  if (found === null)
    return refused('link-broken', `is a link that leads nowhere (${printable(await disk.readLink(at))}).`)
  const real = slashed(disk, found)
  const stat = await disk.stat(real)
  if (stat === null) return refused('link-broken', 'is a link whose target is gone.')
  if (around.fences?.some((fence) => below(fence, real) !== null))
    return refused('link-closed', "is a link into stemma's own folder, which never travels.")

  const inner = below(root, real)
  const approved = selection.links.some((rule) => rule.path === path && rule.target === real)
  if (inner === null && !approved && !(holder.fence !== null && below(holder.fence, real) !== null))
    return refused(
      'link-out',
      `is a link out of the home, to ${printable(real)}; to let its content travel, approve it in [selection] links.`,
    )

  if (stat.kind !== 'folder') {
    const { kind } = classify(path, selection)
    if (kind !== 'plain' && kind !== 'sealed') return { kind: 'ignored' }
    // A plain name must not lead to a secret, nor a secret one to what travels in the clear anyway.
    if (inner !== null && classify(inner, selection).kind !== kind) return closed(inner)
    return { kind: 'file', at: real, stat }
  }
  if (!mayContain(path, selection)) return { kind: 'ignored' }
  if (below(real, holder.at) !== null || below(real, root) !== null)
    return refused('link-loop', 'is a link to a folder that holds it, so it has no end.')
  if (holder.fence !== null)
    return refused('link-closed', 'is a link to a folder below another link; only the first one is followed.')
  if (inner !== null && !mayContain(inner, selection)) return closed(inner)
  return { kind: 'folder', at: real }
}

const refused = (warning: WarningKind, why: string): Target => ({ kind: 'refused', warning, why })
const closed = (inner: string): Target =>
  refused('link-closed', `is a link to ${printable(inner)}, which does not travel in the clear.`)

/** A path as the system gives it, with the separator used here. */
export const slashed = (disk: Pick<Eyes, 'windows'>, path: string): string =>
  disk.windows ? path.replaceAll('\\', '/') : path

/** The rest of `path` below `folder`, '' when they are one, null when it is elsewhere. */
export function below(folder: string, path: string): string | null {
  if (path === folder) return ''
  const base = folder.endsWith('/') ? folder : `${folder}/`
  return path.startsWith(base) ? path.slice(base.length) : null
}
