/**
 * What makes changes of an image durable, and what a power cut leaves of the rest.
 * Always holds: after a sync its changes survive every cut; without one each change survives or not, alone.
 */
import { Image, rootId } from './image.ts'
import type { FileNode, NameStep, Node } from './node.ts'
import { patch, remains, type Survives } from './patch.ts'
import type { Random } from './random.ts'

/** Content (and, with `whole`, the mode) of a file. */
export function syncFile(image: Image, id: number, whole: boolean): void {
  const file = image.own(image.file(id))
  file.durable = file.lossy ? file.pending.reduce(patch, file.durable) : file.live
  file.pending = []
  if (whole) file.durableMode = file.mode
  if (image.windows) syncOwnNames(image, file)
}

/** A sync that failed: as in the kernel, each change may be durable, still pending, or dropped for good. */
export function spoilFile(image: Image, id: number, random: Random): void {
  const file = image.own(image.file(id))
  file.pending = file.pending.flatMap((change) => {
    const luck = random.below(3)
    if (luck === 0) {
      file.lossy = true
      return []
    }
    return [luck === 1 ? change : { ...change, sure: true }]
  })
}

export function syncFolder(image: Image, id: number): void {
  const folder = image.own(image.folder(id))
  folder.durableMode = folder.mode
  settle(image, (step) => step.folder === id)
}

/** A folder sync that failed: each name may be durable or not. */
export function spoilFolder(image: Image, id: number, random: Random): void {
  settle(image, (step) => step.folder === id && random.chance(0.5))
}

/** Every name of one node. */
export function syncNames(image: Image, id: number): void {
  settle(image, (step) => step.id === id)
}

/** Windows: the journal reaches the disk up to some point, when the system sees fit. */
export function syncSome(image: Image, random: Random): void {
  if (image.names.length === 0 || !random.chance(0.25)) return
  const until = image.names[random.below(image.names.length)]?.step ?? 0
  settle(image, (step) => step.step <= until)
}

/** Windows: a file's sync carries its own names with it, and those of the folders above. */
function syncOwnNames(image: Image, file: FileNode): void {
  const ids = new Set<number>()
  for (let node: Node = file; !ids.has(node.id); node = image.node(node.parent)) ids.add(node.id)
  const done = new Set<number>()
  settle(image, (step) => {
    const own = step.id === null ? step.needs !== null && done.has(step.needs) : ids.has(step.id)
    if (own) done.add(step.step)
    return own
  })
}

/** Makes those name steps durable that `chosen` names, in their order. */
function settle(image: Image, chosen: (step: NameStep) => boolean): void {
  image.names = image.names.filter((step) => {
    if (!chosen(step)) return true
    applyName(image, step)
    return false
  })
}

function applyName(image: Image, step: NameStep): void {
  const { durable } = image.own(image.folder(step.folder))
  if (step.id === null) durable.delete(step.key)
  else durable.set(step.key, { name: step.name, id: step.id })
}

/** How a power cut treats what was not synced. */
export type Cut = 'none' | 'all' | 'each' | 'prefix'

/**
 * The image after a power cut. `none` and `all` of the unsynced steps survive, `each` by its own coin (the
 * write-back cache has no order), or those up to some moment (`prefix`, an ordered journal).
 */
export function afterCut(image: Image, cut: Cut, random: Random): Image {
  const from = image.clone()
  const survives = chooser(image, cut, random)
  const waiting = new Set(from.names.map((step) => step.step))
  const alive = new Set<number>()
  let inOrder = true
  for (const step of from.names) {
    const allowed = step.needs === null || !waiting.has(step.needs) || alive.has(step.needs)
    if (!survives(step.step) || !allowed || (step.move && !inOrder)) {
      if (step.move) inOrder = false
      continue
    }
    alive.add(step.step)
    applyName(from, step)
  }
  const messy = cut === 'each' || cut === 'prefix'
  const settled = (node: Node, parent: number): Node => {
    const mode = node.mode === node.durableMode || survives(0) ? node.mode : node.durableMode
    if (node.kind === 'file' && (node.pending.length > 0 || node.lossy)) {
      const content = remains(node.durable, node.pending, survives, messy, random)
      const whole = { live: content, durable: content, pending: [], lossy: false }
      return { ...node, ...whole, parent, mode, durableMode: mode }
    }
    const same = node.parent === parent && node.mode === node.durableMode
    return same ? node : { ...node, parent, mode, durableMode: mode }
  }
  // Most cuts of a sweep meet no unsynced name: then only contents differ.
  if (image.names.length === 0) {
    for (const [id, node] of from.nodes) from.nodes.set(id, settled(node, node.parent))
    return from
  }
  const nodes = new Map<number, Node>()
  const queue: { id: number; parent: number }[] = [{ id: rootId, parent: rootId }]
  const placed = new Set([rootId])
  for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
    const node = settled(from.node(next.id), next.parent)
    nodes.set(node.id, node)
    if (node.kind !== 'folder') continue
    // Shared until it changes: an image copies a folder before it sets a name in it.
    const names = node.live === node.durable ? node.durable : new Map(node.durable)
    if (names !== node.live) nodes.set(node.id, { ...node, live: names, durable: names })
    for (const [key, { id }] of names) {
      if (!placed.has(id)) queue.push({ id, parent: node.id })
      // A folder has one place: half a rename may have left it two.
      else if (from.node(id).kind === 'folder') names.delete(key)
      placed.add(id)
    }
  }
  return new Image(image.windows, image.now, nodes)
}

function chooser(image: Image, cut: Cut, random: Random): Survives {
  switch (cut) {
    case 'none':
      return () => false
    case 'all':
      return () => true
    case 'each': {
      const probability = [0.2, 0.5, 0.8][random.below(3)] ?? 0.5
      return () => random.chance(probability)
    }
    case 'prefix': {
      const steps = pendingSteps(image)
      const last = steps[random.below(steps.length)] ?? 0
      return (step) => step < last || (step === last && random.chance(0.5))
    }
  }
}

function pendingSteps(image: Image): number[] {
  const steps = image.names.map((step) => step.step)
  for (const node of image.nodes.values())
    if (node.kind === 'file') for (const change of node.pending) steps.push(change.step)
  return steps.sort((a, b) => a - b)
}
