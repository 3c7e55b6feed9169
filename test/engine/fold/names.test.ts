/** T16: no accepted sequence leads to two paths that could be one file, nor to a file that is also a folder. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Names } from '../../../engine/fold/names.ts'
import type { Event } from '../../../schemas/event/index.ts'
import { ancestors, foldName, isHomePath } from '../../../schemas/path.ts'
import { fold, mark, put, removed, secretPut, secretRemoved, stateOf } from '../fixture.ts'

const pairs: readonly (readonly [there: string, wanted: string, why: string | null])[] = [
  ['a.md', 'b.md', null],
  ['a.md', 'A.md', 'only in case'],
  ['é.md', 'E\u0301.md'.normalize('NFC'), 'only in case'],
  ['straße', 'STRASSE', 'only in case'],
  ['ﬁle', 'file', 'Unicode form'],
  ['ſ', 's', 'Unicode form'],
  ['ΑΣ', 'ας', 'only in case'],
  ['a', 'a/b', 'is a file, not a folder'],
  ['A', 'a/b', 'is a file, not a folder'],
  ['a/b', 'a', 'a folder of that name exists'],
  ['a/b', 'A', 'a folder of that name exists'],
  ['a/b', 'a/c', null],
  ['a/b', 'A/c', 'only in case'],
  ['a/b/c', 'a/B/d', 'only in case'],
  ['a/b/c', 'a/b', 'a folder of that name exists'],
  ['skills/a', 'skillsa', null],
]

test('T16: what can stand beside what', () => {
  for (const [there, wanted, why] of pairs) {
    const names = new Names()
    names.add(there)
    const fault = names.fault(wanted)
    if (why === null) expect(fault, `${wanted} beside ${there}`).toBeNull()
    else expect(fault, `${wanted} beside ${there}`).toContain(why)
    names.remove(there)
    expect(names.fault(wanted), `${wanted} after ${there}`).toBeNull()
  }
})

test('a folder goes with the last file below it, and its spelling with it', () => {
  const names = new Names()
  for (const path of ['Skills/a', 'Skills/b/c']) names.add(path)
  names.remove('Skills/a')
  expect(names.fault('skills/x')).toContain('only in case')
  names.remove('Skills/b/c')
  for (const path of ['skills/x', 'Skills', 'SKILLS/y']) expect(names.fault(path)).toBeNull()
})

/** Few parts, so that they meet often: twins in case, in Unicode form, and names that are folders elsewhere. */
const part = fc.constantFrom(
  'a',
  'A',
  'b',
  'ß',
  'ss',
  'SS',
  'é',
  'É',
  'ﬁ',
  'fi',
  'K',
  'k',
  'ı',
  'i',
  'σ',
  'ς',
  'Σ',
)
const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('/').normalize('NFC'))
const event = fc.oneof(
  path.map((one): Event => put(one)),
  path.map((one): Event => secretPut(one)),
  path.map((one): Event => removed(one)),
  path.map((one): Event => secretRemoved(one)),
)

test('T16: the tree holds one spelling a name, and nothing is both a file and a folder', () => {
  fc.assert(
    fc.property(
      fc.array(
        event.filter((one) => isHomePath(pathOf(one))),
        { maxLength: 60 },
      ),
      (events) => {
        const state = stateOf()
        for (const one of events) {
          const before = mark(state)
          if (fold(state, one)) expect(mark(state)).toBe(before)
          const paths = [...state.maps.files.rows().keys(), ...state.maps.secrets.rows().keys()]
          const files = new Map(paths.map((each) => [foldName(each), each]))
          expect(files.size).toBe(paths.length)
          const folders = new Map<string, string>()
          for (const each of paths)
            for (const folder of ancestors(each)) {
              expect(folders.get(foldName(folder)) ?? folder).toBe(folder)
              folders.set(foldName(folder), folder)
              expect(files.has(foldName(folder))).toBe(false)
            }
        }
      },
    ),
    { seed: 20260104, numRuns: 120 },
  )
})

const pathOf = ({ body }: Event): string => ('path' in body ? body.path : '')
