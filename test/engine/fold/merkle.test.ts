/** The Merkle map: its root is a function of the content alone, and the one that docs/FORMAT.md describes. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { emptyRoot, MerkleMap } from '../../../engine/fold/merkle.ts'

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest()
const layout = (row: number) => Buffer.from(`row ${row}`)

/** The same in the plainest way: all pairs, cut by nibbles until sixteen fit. */
function naiveRoot(rows: ReadonlyMap<string, number>): Buffer {
  const length = Buffer.alloc(4)
  const pairs = [...rows].map(([key, row]) => {
    length.writeUInt32BE(Buffer.byteLength(key))
    const hash = sha256(Buffer.concat([Buffer.from('stemma/key/v1\0'), length, Buffer.from(key)]))
    return { hash: hash.toString('hex'), bytes: Buffer.concat([hash, sha256(layout(row))]) }
  })
  const rootOf = (some: typeof pairs, depth: number): Buffer => {
    if (some.length === 0) return Buffer.alloc(32)
    if (some.length <= 16) {
      const sorted = [...some].sort((a, b) => (a.hash < b.hash ? -1 : 1))
      return sha256(Buffer.concat([Buffer.from('stemma/bucket/v1\0'), ...sorted.map(({ bytes }) => bytes)]))
    }
    const children = Array.from('0123456789abcdef', (digit) =>
      rootOf(
        some.filter(({ hash }) => hash[depth] === digit),
        depth + 1,
      ),
    )
    return sha256(Buffer.concat([Buffer.from('stemma/node/v1\0'), ...children]))
  }
  return rootOf(pairs, 0)
}

const filled = (rows: Iterable<readonly [string, number]>): MerkleMap<number> => {
  const map = new MerkleMap(layout)
  for (const [key, row] of rows) map.set(key, row)
  return map
}
const names = (count: number, mark = '') =>
  Array.from({ length: count }, (_, i) => [`f${mark}${i}`, i] as const)

test('an empty map has the empty root, and a row that came and went leaves none behind', () => {
  const map = new MerkleMap(layout)
  expect(map.root()).toEqual(emptyRoot)
  map.set('a', 1)
  map.set('a', null)
  expect(map.root()).toEqual(emptyRoot)
  map.set('a', 1)
  expect(map.root()).not.toEqual(emptyRoot)
  map.set('a', null)
  expect(map.root()).toEqual(emptyRoot)
  expect(map.size).toBe(0)
})

test('the root is the naive one at every size around the splits', () => {
  for (const size of [1, 2, 15, 16, 17, 18, 32, 33, 100, 255, 256, 257, 300, 1000, 5000])
    expect(filled(names(size)).root(), `${size} rows`).toEqual(naiveRoot(new Map(names(size))))
})

test('order does not matter, nor when the root was asked for', () => {
  const rows = names(700)
  const root = filled(rows).root()
  expect(filled([...rows].reverse()).root()).toEqual(root)
  const asked = new MerkleMap(layout)
  for (const [i, [key, row]] of [...rows].sort(([a], [b]) => (a < b ? 1 : -1)).entries()) {
    asked.set(key, row)
    if (i % 7 === 0) asked.root()
  }
  expect(asked.root()).toEqual(root)
})

test('what was removed leaves the root of never having been there, down to nothing', () => {
  const map = filled([...names(300), ...names(600, 'x')])
  map.root()
  for (const [key] of names(600, 'x')) map.set(key, null)
  expect(map.root()).toEqual(filled(names(300)).root())
  for (let left = 300; left > 0; left--) {
    map.set(`f${left - 1}`, null)
    if (left % 11 === 0 || left < 20) expect(map.root()).toEqual(filled(names(left - 1)).root())
  }
  expect(map.root()).toEqual(emptyRoot)
})

test('one row changed, dropped or renamed changes the root', () => {
  const root = filled(names(100)).root()
  const others = [
    filled([...names(100), ['f7', 8]]),
    filled(names(99)),
    filled([...names(99), ['g99', 99]]),
    filled(names(101)),
  ].map((map) => map.root().toString('hex'))
  expect(new Set([root.toString('hex'), ...others]).size).toBe(5)
})

test('model: after any changes and undos the map is the naive one of what is left', () => {
  const change = fc.record({
    key: fc.nat(60).map((n) => `k${n}`),
    row: fc.option(fc.nat(5), { freq: 2 }),
    next: fc.constantFrom('go on', 'go on', 'ask', 'undo'),
  })
  fc.assert(
    fc.property(fc.array(change, { maxLength: 120 }), (changes) => {
      const map = new MerkleMap(layout)
      const model = new Map<string, number>()
      for (const { key, row, next } of changes) {
        const before = map.get(key) ?? null
        const root = next === 'undo' ? map.root() : null
        map.set(key, row)
        if (next === 'ask') map.root()
        if (root) {
          if (row !== 3) map.root()
          map.set(key, before)
          expect(map.root()).toEqual(root)
          continue
        }
        if (row === null) model.delete(key)
        else model.set(key, row)
        expect(map.has(key)).toBe(row !== null)
      }
      expect(new Map(map.rows())).toEqual(model)
      expect(map.root()).toEqual(naiveRoot(model))
    }),
    { seed: 20260103, numRuns: 150 },
  )
})
