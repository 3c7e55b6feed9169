/**
 * An incremental Merkle map: text keys to row values, with one root hash for the whole content.
 * Always holds: the root depends on the content alone, never on the order in which it came about. A set of at
 * most 16 pairs is a bucket, a larger one a node of sixteen children by the next four bits of the key hash
 * (docs/FORMAT.md, "State hash"). Hashing is put off until `root` is asked for, so a row that changes ten
 * times between two heads is hashed once.
 */
import { bucketBytes, mapKeyBytes, nodeBytes } from '../../schemas/signable.ts'
import { sha256 } from '../crypto/hash.ts'

const bucketMax = 16
export const emptyRoot: Buffer = Buffer.alloc(32)

type Pair = { readonly key: Buffer; value: Buffer }
type Bucket = { readonly pairs: Pair[]; hash: Buffer | null }
type Branch = { readonly children: (Node | null)[]; size: number; hash: Buffer | null }
type Node = Bucket | Branch

const isBucket = (node: Node): node is Bucket => 'pairs' in node
const sizeOf = (node: Node | null): number =>
  node === null ? 0 : isBucket(node) ? node.pairs.length : node.size
const nibble = (key: Buffer, depth: number): number => {
  const byte = key[depth >> 1] ?? 0
  return (depth & 1) === 0 ? byte >> 4 : byte & 0x0f
}

export class MerkleMap<R> {
  readonly #layout: (row: R) => Buffer
  readonly #rows = new Map<string, R>()
  /** The key hashes of rows that are in the tree. */
  readonly #keys = new Map<string, Buffer>()
  readonly #dirty = new Set<string>()
  #tree: Node | null = null

  constructor(rowLayout: (row: R) => Buffer) {
    this.#layout = rowLayout
  }

  get size(): number {
    return this.#rows.size
  }
  get(key: string): R | undefined {
    return this.#rows.get(key)
  }
  has(key: string): boolean {
    return this.#rows.has(key)
  }
  rows(): ReadonlyMap<string, R> {
    return this.#rows
  }

  /** Puts a row, or removes it with null. */
  set(key: string, row: R | null): void {
    if (row === null) this.#rows.delete(key)
    else this.#rows.set(key, row)
    this.#dirty.add(key)
  }

  root(): Buffer {
    for (const key of this.#dirty) {
      const row = this.#rows.get(key)
      const known = this.#keys.get(key)
      if (row === undefined) {
        if (known === undefined) continue
        this.#tree = remove(this.#tree, known, 0)
        this.#keys.delete(key)
      } else {
        const hash = known ?? sha256(mapKeyBytes(key))
        if (known === undefined) this.#keys.set(key, hash)
        this.#tree = insert(this.#tree, { key: hash, value: sha256(this.#layout(row)) }, 0)
      }
    }
    this.#dirty.clear()
    return hashOf(this.#tree)
  }
}

/** Where a key is, or would be, in a bucket: pairs are sorted by key hash. */
function position(pairs: readonly Pair[], key: Buffer): number {
  let low = 0
  for (let high = pairs.length; low < high; ) {
    const mid = (low + high) >> 1
    const pair = pairs[mid]
    if (pair !== undefined && pair.key.compare(key) < 0) low = mid + 1
    else high = mid
  }
  return low
}

function insert(node: Node | null, pair: Pair, depth: number): Node {
  if (node === null) return { pairs: [pair], hash: null }
  node.hash = null
  if (isBucket(node)) {
    const at = position(node.pairs, pair.key)
    const there = node.pairs[at]
    if (there?.key.equals(pair.key)) there.value = pair.value
    else node.pairs.splice(at, 0, pair)
    return node.pairs.length <= bucketMax ? node : split(node, depth)
  }
  const slot = nibble(pair.key, depth)
  const child = node.children[slot] ?? null
  const before = sizeOf(child)
  const after = insert(child, pair, depth + 1)
  node.children[slot] = after
  node.size += sizeOf(after) - before
  return node
}

function split(bucket: Bucket, depth: number): Branch {
  const branch: Branch = {
    children: new Array<Node | null>(16).fill(null),
    size: bucket.pairs.length,
    hash: null,
  }
  for (const pair of bucket.pairs) {
    const slot = nibble(pair.key, depth)
    branch.children[slot] = insert(branch.children[slot] ?? null, pair, depth + 1)
  }
  return branch
}

function remove(node: Node | null, key: Buffer, depth: number): Node | null {
  if (node === null) return null
  node.hash = null
  if (isBucket(node)) {
    const at = position(node.pairs, key)
    if (node.pairs[at]?.key.equals(key)) node.pairs.splice(at, 1)
    return node.pairs.length === 0 ? null : node
  }
  const slot = nibble(key, depth)
  const child = node.children[slot] ?? null
  const before = sizeOf(child)
  const after = remove(child, key, depth + 1)
  node.children[slot] = after
  node.size += sizeOf(after) - before
  // Back to a bucket as soon as it fits one: the shape is a function of the content.
  return node.size > bucketMax ? node : { pairs: gather(node, []), hash: null }
}

function gather(node: Node | null, into: Pair[]): Pair[] {
  if (node === null) return into
  if (isBucket(node)) into.push(...node.pairs)
  else for (const child of node.children) gather(child, into)
  return into
}

function hashOf(node: Node | null): Buffer {
  if (node === null) return emptyRoot
  if (node.hash === null) {
    node.hash = sha256(isBucket(node) ? bucketBytes(node.pairs) : nodeBytes(node.children.map(hashOf)))
  }
  return node.hash
}
