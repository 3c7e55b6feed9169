/** Diff and admission on random trees: what comes out is always a tree that the log accepts. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { admit } from '../../../engine/canon/admit.ts'
import { diff } from '../../../engine/canon/diff.ts'
import { byteOrder } from '../../../engine/disk/errno.ts'
import type { CanonFile, CanonFiles } from '../../../engine/fold/file.ts'
import { Names } from '../../../engine/fold/names.ts'
import { foldName, type HomePath, isHomePath } from '../../../schemas/path.ts'
import { isHash } from '../../../schemas/shape.ts'
import { applied } from './home.ts'

/** Few names, so that case twins, files on folders and folders on files are common. */
const segment = fc.constantFrom('a', 'A', 'b', 'é', 'É', 'ß', 'ss', 'SS', 'c')
const path = fc
  .array(segment, { minLength: 1, maxLength: 3 })
  .map((parts) => parts.join('/'))
  .filter(isHomePath)
const content = fc
  .integer({ min: 0, max: 3 })
  .map((n) => n.toString(16).padStart(64, '0'))
  .filter(isHash)
const file: fc.Arbitrary<CanonFile> = fc.record({ exec: fc.boolean(), size: fc.nat(9), blob: content })
const paths = fc.uniqueArray(path, { maxLength: 12 }).map((all) => all.sort(byteOrder))
/** A tree as the log holds one: any paths, those that clash left out. */
const tree: fc.Arbitrary<Map<HomePath, CanonFile>> = fc
  .array(fc.tuple(path, file), { maxLength: 12 })
  .map((rows) => {
    const names = new Names()
    const out = new Map<HomePath, CanonFile>()
    for (const [at, row] of rows) {
      if (out.has(at) || names.fault(at) !== null) continue
      names.add(at)
      out.set(at, row)
    }
    return out
  })

const sorted = (files: CanonFiles) => [...files].sort(([a], [b]) => byteOrder(a, b))

test('S25: applying the diff gives the scanned tree, event by event acceptable', () => {
  fc.assert(
    fc.property(tree, tree, (previous, next) => {
      const events = diff(previous, { files: next, kept: new Set() })
      expect(sorted(applied(previous, events))).toEqual(sorted(next))
    }),
    { numRuns: 2000 },
  )
})

test('S25: equal trees have no difference', () => {
  fc.assert(
    fc.property(tree, (same) => {
      expect(diff(same, { files: new Map(same), kept: new Set() })).toEqual([])
    }),
  )
})

test('S25: a file becomes a folder, a folder a file, a name changes its case', () => {
  const row: CanonFile = { exec: false, size: 1, blob: fc.sample(content, 1)[0] ?? expect.fail() }
  const of = (...names: string[]) => new Map(names.filter(isHomePath).map((name) => [name, row]))
  for (const [before, after] of [
    [of('skills/a'), of('skills/a/SKILL.md')],
    [of('skills/a/SKILL.md', 'skills/a/x'), of('skills/a')],
    [of('skills/Readme.md'), of('skills/README.md')],
    [of('skills/Foo/a', 'skills/Foo/b'), of('skills/foo/a', 'skills/foo/b')],
  ] as const)
    expect(sorted(applied(before, diff(before, { files: after, kept: new Set() })))).toEqual(sorted(after))
})

test('T16: admitted and kept files form one acceptable tree, and nothing canonical is pushed out', () => {
  fc.assert(
    fc.property(
      tree,
      paths,
      fc.array(path, { maxLength: 4 }),
      fc.integer({ min: 12, max: 15 }),
      (previous, found, troubles, limit) => {
        const bad = new Set<string>(troubles)
        const seen = found.filter((at) => !bad.has(at))
        const { admitted, kept, refused } = admit(seen, bad, previous, limit)
        const names = new Names()
        for (const at of [...kept, ...admitted]) {
          expect(names.fault(at)).toBeNull()
          names.add(at)
        }
        expect(kept.size + admitted.size).toBeLessThanOrEqual(limit)
        for (const at of seen) {
          if (previous.has(at)) expect(admitted.has(at)).toBe(true)
          expect(admitted.has(at) || refused.some((r) => r.path === at)).toBe(true)
        }
        for (const at of kept) expect(previous.has(at) && !admitted.has(at)).toBe(true)
        // What could not be read is not removed.
        for (const at of previous.keys()) {
          const hidden = troubles.some(
            (t) => foldName(at) === foldName(t) || foldName(at).startsWith(`${foldName(t)}/`),
          )
          if (hidden) expect(kept.has(at) || admitted.has(at)).toBe(true)
        }
        const events = diff(previous, {
          files: new Map(
            [...admitted].map((at) => [
              at,
              { exec: false, size: 0, blob: fc.sample(content, { numRuns: 1, seed: 1 })[0] ?? expect.fail() },
            ]),
          ),
          kept,
        })
        applied(previous, events)
      },
    ),
    { numRuns: 2000 },
  )
})

test('T16: the one already canonical wins, else the first in byte order', () => {
  const row: CanonFile = { exec: false, size: 1, blob: fc.sample(content, 1)[0] ?? expect.fail() }
  const found = ['skills/Foo/a', 'skills/foo/b'].filter(isHomePath)
  expect([...admit(found, new Set(), new Map()).admitted]).toEqual(['skills/Foo/a'])
  const previous = new Map(found.slice(1).map((at) => [at, row]))
  expect([...admit(found, new Set(), previous).admitted]).toEqual(['skills/foo/b'])
})
