/**
 * The contents of a simulated volume: what programs see, and apart from it what would survive a power cut.
 * Always holds: every change is first seen (`live`) and only later durable; a change that is not durable yet is
 * kept as a step, so that a power cut can keep any of them and lose any other. Throws `Refused`, never a Fault.
 */

import { foldName } from '../../schemas/path.ts'
import { empty } from './content.ts'
import {
  type Entry,
  type FileNode,
  type FolderNode,
  type LinkNode,
  type Meta,
  type NameStep,
  type Node,
  type OtherNode,
  Refused,
} from './node.ts'

/** Where a path leads: the folder and name of its last part, and what is there. */
type Place = { readonly trail: readonly Entry[]; readonly name: string; readonly node: Node | null }

const linksMax = 40
export const rootId = 1
const top: Entry = { name: '', id: rootId }
/** What every step of a walk needs on a folder, and what a change of its names needs. */
const searchBits = 0o1
const changeBits = 0o3

export class Image {
  readonly windows: boolean
  readonly now: () => number
  readonly nodes: Map<number, Node>
  names: NameStep[] = []
  #owner: object = {}
  #lastId = rootId
  #lastStep = 0
  #collectAt = 1024
  /** How many handles are open on a file. */
  readonly held = new Map<number, number>()

  constructor(windows: boolean, now: () => number, nodes = new Map<number, Node>()) {
    this.windows = windows
    this.now = now
    this.nodes = nodes
    if (nodes.size === 0) {
      const node = { ...this.#meta(rootId, rootId, 0o755), kind: 'folder' as const }
      nodes.set(rootId, { ...node, live: new Map(), durable: new Map() })
    }
    for (const id of nodes.keys()) this.#lastId = Math.max(this.#lastId, id)
  }

  /** A copy that shares everything until one side changes it. No handle is open on it. */
  clone(): Image {
    const copy = new Image(this.windows, this.now, new Map(this.nodes))
    copy.names = this.names.slice()
    copy.#lastStep = this.#lastStep
    copy.#lastId = this.#lastId
    this.#owner = {}
    return copy
  }

  nextStep(): number {
    return ++this.#lastStep
  }

  // --- walking ---

  /** Follows links in all parts but the last (`follow`: in all). Refuses when a folder on the way is missing. */
  place(path: string, follow = false): Place {
    let parts = partsOf(path)
    let next = 0
    let trail: readonly Entry[] = [top]
    let links = 0
    for (let name = parts[next++]; name !== undefined; name = parts[next++]) {
      const folder = this.folder(trail.at(-1)?.id ?? rootId)
      if (name === '..') {
        if (trail.length > 1) trail = trail.slice(0, -1)
        continue
      }
      this.need(folder, searchBits)
      const entry = folder.live.get(this.key(name))
      const node = entry ? this.node(entry.id) : null
      const isLast = next === parts.length
      if (node?.kind === 'link' && (follow || !isLast)) {
        if (++links > linksMax) throw new Refused('ELOOP')
        if (node.target.startsWith('/')) trail = [top]
        parts = [...partsOf(node.target), ...parts.slice(next)]
        next = 0
      } else if (isLast) return { trail, name, node }
      else if (entry) trail = [...trail, entry]
      else throw new Refused('ENOENT')
    }
    // The root itself, or a path that ends in "..".
    const last = trail.at(-1)
    return { trail: trail.slice(0, -1), name: last?.name ?? '', node: this.node(last?.id ?? rootId) }
  }

  /** What is at a path; null when nothing is there or something above it is no folder. */
  look(path: string): Node | null {
    try {
      return this.place(path).node
    } catch (error) {
      if (error instanceof Refused && (error.errno === 'ENOENT' || error.errno === 'ENOTDIR')) return null
      throw error
    }
  }

  node(id: number): Node {
    const node = this.nodes.get(id)
    if (!node) throw new Error(`bug: node ${id} is gone`)
    return node
  }

  folder(id: number): FolderNode {
    const node = this.node(id)
    if (node.kind !== 'folder') throw new Refused('ENOTDIR')
    return node
  }

  file(id: number): FileNode {
    const node = this.node(id)
    if (node.kind === 'folder') throw new Refused('EISDIR')
    if (node.kind !== 'file') throw new Refused(node.kind === 'link' ? 'ELOOP' : 'ENXIO')
    return node
  }

  realPath(path: string): string | null {
    try {
      const { trail, name, node } = this.place(path, true)
      if (node === null) return null
      const above = trail.map((entry) => entry.name).join('/')
      const own = trail.length === 0 ? '' : this.#shown(trail, name)
      return `${above}/${own}`
    } catch (error) {
      if (error instanceof Refused && error.errno !== 'EACCES') return null
      throw error
    }
  }

  /** Refuses what the mode bits do not give to the owner. Windows knows only read-only files. */
  need(node: Node, bits: number): void {
    const needed = this.windows ? (node.kind === 'file' ? bits & 0o2 : 0) : bits
    if (((node.mode >> 6) & needed) !== needed) throw new Refused(this.windows ? 'EPERM' : 'EACCES')
  }

  // --- changing ---

  /** The node, copied before if another image shares it: only what `own` returns may be changed. */
  own<N extends Node>(node: N): N {
    if (node.owner === this.#owner) return node
    const copy: N =
      node.kind === 'folder'
        ? { ...node, owner: this.#owner, live: new Map(node.live), durable: new Map(node.durable) }
        : { ...node, owner: this.#owner }
    this.nodes.set(node.id, copy)
    return copy
  }

  touch(node: Node): void {
    node.mtimeMs = this.now()
    node.ctimeMs = node.mtimeMs
  }

  makeFile(path: string, mode: number): FileNode {
    return this.#add(
      path,
      (meta) => ({ ...meta, kind: 'file', live: empty, durable: empty, pending: [], lossy: false }),
      mode,
    )
  }

  makeFolder(path: string, mode: number): FolderNode {
    return this.#add(path, (meta) => ({ ...meta, kind: 'folder', live: new Map(), durable: new Map() }), mode)
  }

  makeLink(path: string, target: string): LinkNode {
    return this.#add(path, (meta) => ({ ...meta, kind: 'link', target }), 0o777)
  }

  makeOther(path: string): OtherNode {
    return this.#add(path, (meta) => ({ ...meta, kind: 'other' }), 0o666)
  }

  link(from: string, to: string): void {
    const source = this.#there(from)
    if (source.node.kind === 'link') throw new Refused('ELOOP')
    const target = this.place(to)
    if (target.node) throw new Refused('EEXIST')
    if (source.node.kind === 'folder') throw new Refused('EPERM')
    this.#set(target, source.node.id)
  }

  unlink(path: string): void {
    const place = this.#there(path)
    if (place.node.kind === 'folder') throw new Refused(this.windows ? 'EPERM' : 'EISDIR')
    if (this.windows && this.held.has(place.node.id)) throw new Refused('EBUSY')
    this.#unset(place)
  }

  removeFolder(path: string): void {
    const place = this.#there(path)
    if (this.folder(place.node.id).live.size > 0) throw new Refused('ENOTEMPTY')
    this.#unset(place)
  }

  rename(from: string, to: string): void {
    // Refusals come in the order of Linux; the folders of both names are looked for first.
    this.place(from)
    const target = this.place(to)
    const source = this.#there(from)
    if (target.trail.some((entry) => entry.id === source.node.id)) throw new Refused('EINVAL')
    if (source.trail.some((entry) => entry.id === target.node?.id)) throw new Refused('ENOTEMPTY')
    if (this.windows) this.#refuseBusy(source.node, target.node)
    if (target.node) {
      if (target.node.id === source.node.id) {
        const sameName =
          source.trail.at(-1)?.id === target.trail.at(-1)?.id &&
          this.key(source.name) === this.key(target.name)
        // Two names of one file stay as they are; a name that changes only its case is shown anew.
        if (sameName) this.#set(target, source.node.id)
        return
      }
      if (target.node.kind === 'folder') {
        if (this.windows) throw new Refused('EPERM')
        if (source.node.kind !== 'folder') throw new Refused('EISDIR')
        if (target.node.live.size > 0) throw new Refused('ENOTEMPTY')
      } else if (source.node.kind === 'folder') throw new Refused('ENOTDIR')
    }
    this.#mayChange(source)
    const move = source.node.kind === 'folder'
    const step = this.#set(target, source.node.id, move)
    this.#unset(source, step, move)
  }

  #refuseBusy(source: Node, target: Node | null): void {
    if (target && this.held.has(target.id)) throw new Refused('EBUSY')
    for (const id of this.held.keys()) {
      for (let node = this.node(id); ; node = this.node(node.parent)) {
        if (node.id === source.id) throw new Refused(source.kind === 'folder' ? 'EPERM' : 'EBUSY')
        if (node.parent === node.id) break
      }
    }
  }

  #add<N extends Node>(path: string, make: (meta: Meta) => N, mode: number): N {
    const place = this.place(path)
    if (place.node) throw new Refused('EEXIST')
    this.#mayChange(place)
    const node = make(this.#meta(++this.#lastId, place.trail.at(-1)?.id ?? rootId, mode))
    this.nodes.set(node.id, node)
    this.#set(place, node.id)
    return node
  }

  #set(place: Place, id: number, move = false): number {
    const folder = this.#mayChange(place)
    const key = this.key(place.name)
    const step = this.nextStep()
    folder.live.set(key, { name: place.name, id })
    this.names.push({ step, folder: folder.id, key, name: place.name, id, needs: null, move })
    this.own(this.node(id)).parent = folder.id
    this.touch(folder)
    return step
  }

  #unset(place: Place, needs: number | null = null, move = false): void {
    const folder = this.#mayChange(place)
    const key = this.key(place.name)
    folder.live.delete(key)
    this.names.push({
      step: this.nextStep(),
      folder: folder.id,
      key,
      name: place.name,
      id: null,
      needs,
      move,
    })
    this.touch(folder)
    if (this.nodes.size > this.#collectAt) this.#collect()
  }

  /** The bytes of all files that have a name or a handle. */
  usedBytes(): number {
    const seen = new Set<number>()
    const queue = [rootId, ...this.held.keys()]
    let used = 0
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      if (seen.has(id)) continue
      seen.add(id)
      const node = this.node(id)
      if (node.kind === 'file') used += node.live.length
      if (node.kind === 'folder') for (const entry of node.live.values()) queue.push(entry.id)
    }
    return used
  }

  /** Forgets nodes that no name, pending step or handle leads to. */
  #collect(): void {
    const seen = new Set<number>()
    const queue = [
      rootId,
      ...this.held.keys(),
      ...this.names.flatMap((step) => [step.folder, step.id ?? rootId]),
    ]
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      if (seen.has(id)) continue
      seen.add(id)
      const node = this.node(id)
      queue.push(node.parent)
      if (node.kind !== 'folder') continue
      for (const entry of node.live.values()) queue.push(entry.id)
      for (const entry of node.durable.values()) queue.push(entry.id)
    }
    for (const id of this.nodes.keys()) if (!seen.has(id)) this.nodes.delete(id)
    this.#collectAt = 1024 + 2 * this.nodes.size
  }

  // --- small things ---

  key(name: string): string {
    return this.windows ? foldName(name) : name
  }

  #there(path: string): Place & { readonly node: Node } {
    const place = this.place(path)
    if (place.node === null) throw new Refused('ENOENT')
    if (place.trail.length === 0) throw new Refused('EBUSY')
    return { ...place, node: place.node }
  }

  #mayChange(place: Place): FolderNode {
    const folder = this.folder(place.trail.at(-1)?.id ?? rootId)
    this.need(folder, changeBits)
    return this.own(folder)
  }

  /** The name as the folder shows it, which may differ in case from the one asked for. */
  #shown(trail: readonly Entry[], name: string): string {
    return this.folder(trail.at(-1)?.id ?? rootId).live.get(this.key(name))?.name ?? name
  }

  #meta(id: number, parent: number, mode: number): Meta {
    const nowMs = this.now()
    return { id, owner: this.#owner, parent, mode, durableMode: mode, mtimeMs: nowMs, ctimeMs: nowMs }
  }
}

/** A scenario names the same few hundred paths again and again. */
const parted = new Map<string, readonly string[]>()
const partedMax = 4096
function partsOf(path: string): readonly string[] {
  const known = parted.get(path)
  if (known) return known
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parted.size === partedMax) parted.clear()
  parted.set(path, parts)
  return parts
}
