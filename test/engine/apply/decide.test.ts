/** Every combination of the three digests, and what must hold for all of them. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type ConflictKind,
  decide,
  type Facts,
  type Found,
  type Take,
  type Verdict,
} from '../../../engine/apply/decide.ts'
import { type Mark, same } from '../../../engine/apply/mark.ts'
import { sha256Hex } from '../../../engine/crypto/hash.ts'

const hash = (text: string) => sha256Hex(Buffer.from(text))
const mark = (text: string, exec = false): Mark => ({ exec, hash: hash(text) })
const A = mark('a')
const B = mark('b')
const C = mark('c')
const Ax = mark('a', true)
const absent: Found = { kind: 'absent' }
const file = (of: Mark): Found => ({ kind: 'file', ...of })
/** As Windows sees it: no executable bit. */
const bare = (of: Mark): Found => ({ kind: 'file', exec: null, hash: of.hash })
const linked: Found = { kind: 'obstacle', obstacle: 'linked' }
const blocked: Found = { kind: 'obstacle', obstacle: 'blocked' }
const twin: Found = { kind: 'obstacle', obstacle: 'twin' }

const keep: Verdict = { act: 'keep', settled: null }
const settled = (kind: ConflictKind): Verdict => ({ act: 'keep', settled: kind })
const conflict = (kind: ConflictKind): Verdict => ({ act: 'conflict', kind })
const adopt: Verdict = { act: 'adopt' }
const forget: Verdict = { act: 'forget' }
const settle: Verdict = { act: 'settle' }

type Row = readonly [
  what: string,
  found: Found,
  desired: Mark | null,
  last: Mark | null,
  kept: Mark | null,
  nothing: Verdict,
  canonical?: Verdict,
  local?: Verdict,
]
const table: readonly Row[] = [
  ['S40: new, nothing there', absent, A, null, null, { act: 'create', why: 'added' }],
  ['S40: first join, identical', file(A), A, null, null, adopt],
  [
    'S40: first join, differs',
    file(B),
    A,
    null,
    null,
    conflict('exists'),
    { act: 'replace', why: 'taken' },
    settle,
  ],
  [
    'S34: first join, only the bit differs',
    file(A),
    Ax,
    null,
    null,
    conflict('exists'),
    { act: 'chmod', why: 'taken' },
    settle,
  ],
  ['unchanged', file(A), A, A, null, keep],
  ['changed at the master', file(A), B, A, null, { act: 'replace', why: 'changed' }],
  ['S34: bit set at the master', file(A), Ax, A, null, { act: 'chmod', why: 'changed' }],
  ['S34: bit cleared at the master', file(Ax), A, Ax, null, { act: 'chmod', why: 'changed' }],
  ['S39: edited here', file(B), A, A, null, conflict('edited'), { act: 'replace', why: 'taken' }, settle],
  [
    'S39: edited here, changed there',
    file(C),
    B,
    A,
    null,
    conflict('edited'),
    { act: 'replace', why: 'taken' },
    settle,
  ],
  [
    'S39: bit changed here',
    file(A),
    Ax,
    Ax,
    null,
    conflict('edited'),
    { act: 'chmod', why: 'taken' },
    settle,
  ],
  ['edited here to what is canonical now', file(B), B, A, null, adopt],
  ['S39: deleted here', absent, A, A, null, conflict('deleted'), { act: 'create', why: 'taken' }, settle],
  [
    'S39: deleted here, changed there',
    absent,
    B,
    A,
    null,
    conflict('deleted'),
    { act: 'create', why: 'taken' },
    settle,
  ],
  ['S38: dropped at the master', file(A), null, A, null, { act: 'remove', why: 'dropped' }],
  [
    'S38: dropped, edited here',
    file(B),
    null,
    A,
    null,
    conflict('orphaned'),
    { act: 'remove', why: 'taken' },
    forget,
  ],
  [
    'S38: dropped, bit changed here',
    file(Ax),
    null,
    A,
    null,
    conflict('orphaned'),
    { act: 'remove', why: 'taken' },
    forget,
  ],
  ['dropped, deleted here as well', absent, null, A, null, forget],
  ['S3: dropped, a link stands there', linked, null, A, null, forget],
  ['S3: never ours', file(A), null, null, null, forget],
  ['S33: a link', linked, A, null, null, conflict('linked'), conflict('linked'), settle],
  ['S33: our file became a link', linked, A, A, null, conflict('linked'), conflict('linked'), settle],
  ['a folder in the way', blocked, A, A, null, conflict('blocked'), conflict('blocked'), settle],
  ['T16: a twin', twin, A, null, null, conflict('twin'), conflict('twin'), settle],
  [
    'S39: kept, canonical the same',
    file(B),
    A,
    A,
    A,
    settled('edited'),
    { act: 'replace', why: 'taken' },
    settled('edited'),
  ],
  [
    'S39: kept, canonical changed',
    file(C),
    B,
    A,
    A,
    conflict('edited'),
    { act: 'replace', why: 'taken' },
    settle,
  ],
  [
    'S39: kept, only the bit changed at the master',
    file(B),
    Ax,
    A,
    A,
    conflict('edited'),
    { act: 'replace', why: 'taken' },
    settle,
  ],
  [
    'kept on first join',
    file(B),
    A,
    null,
    A,
    settled('exists'),
    { act: 'replace', why: 'taken' },
    settled('exists'),
  ],
  ['kept deletion', absent, A, A, A, settled('deleted'), { act: 'create', why: 'taken' }, settled('deleted')],
  ['kept, then gone: canonical returns', absent, A, null, A, { act: 'create', why: 'added' }],
  ['kept, then identical: the choice is spent', file(A), A, A, A, adopt],
  ['kept, then back to what we wrote', file(A), B, A, B, { act: 'replace', why: 'changed' }],
  ['kept link', linked, A, null, A, settled('linked'), settled('linked'), settled('linked')],
  ['Windows: the bit does not count', bare(A), Ax, A, null, adopt],
  ['Windows: changed', bare(A), B, Ax, null, { act: 'replace', why: 'changed' }],
]

describe('S37, S38, S39, S40: the table', () => {
  for (const [what, found, desired, last, kept, nothing, canonical = nothing, local = nothing] of table)
    test(what, () => {
      const facts = { found, desired, last, kept }
      expect(decide({ ...facts, take: null })).toEqual(nothing)
      expect(decide({ ...facts, take: 'canonical' })).toEqual(canonical)
      expect(decide({ ...facts, take: 'local' })).toEqual(local)
    })
})

const marks = fc.constantFrom(A, B, C, Ax, mark('b', true))
const maybe = fc.option(marks, { nil: null })
const found: fc.Arbitrary<Found> = fc.oneof(
  fc.constantFrom(absent, linked, blocked, twin),
  marks.map(file),
  marks.map(bare),
)
const take: fc.Arbitrary<Take | null> = fc.constantFrom(null, 'canonical', 'local')
const anything: fc.Arbitrary<Facts> = fc.record({ found, desired: maybe, last: maybe, kept: maybe, take })

/** The world after a verdict was carried out. */
function carryOut(facts: Facts): Facts {
  const verdict = decide(facts)
  const { desired } = facts
  switch (verdict.act) {
    case 'create':
    case 'replace':
    case 'chmod':
      if (desired === null) throw new Error('wrote what is not canonical')
      return { ...facts, found: file(desired), last: desired, kept: null }
    case 'remove':
      return { ...facts, found: absent, last: null, kept: null }
    case 'adopt':
      return { ...facts, last: desired, kept: null }
    case 'forget':
      return { ...facts, last: null, kept: null }
    case 'settle':
      return { ...facts, kept: desired }
    default:
      return facts
  }
}

describe('properties', () => {
  const runs = { numRuns: 2000 }
  test('S39: what differs from what we wrote is only changed when the user took canonical', () => {
    fc.assert(
      fc.property(anything, (facts) => {
        const { act } = decide(facts)
        if (act !== 'replace' && act !== 'chmod' && act !== 'remove') return
        const seen = facts.found.kind === 'file' ? facts.found : null
        expect(same(seen, facts.last) || facts.take === 'canonical').toBe(true)
      }),
      runs,
    )
  })
  test('S33: nothing is done where a link, a folder or a twin stands', () => {
    fc.assert(
      fc.property(anything, (facts) => {
        if (facts.found.kind !== 'obstacle') return
        expect(['keep', 'conflict', 'settle', 'forget']).toContain(decide(facts).act)
      }),
      runs,
    )
  })
  test('S37: once carried out, the same decision has nothing left to do', () => {
    fc.assert(
      fc.property(anything, (facts) => {
        const next = carryOut(facts)
        const again = decide(next)
        expect(['keep', 'conflict', ...(next.desired ? [] : ['forget'])]).toContain(again.act)
        if (facts.take === 'canonical' && facts.found.kind !== 'obstacle') {
          expect(again.act).not.toBe('conflict')
          if (facts.desired)
            expect(same(next.found.kind === 'file' ? next.found : null, facts.desired)).toBe(true)
        }
      }),
      runs,
    )
  })
  test('S39: after taking local nothing is reported until canonical changes', () => {
    fc.assert(
      fc.property(anything, marks, (facts, other) => {
        const chosen = { ...facts, take: 'local' as const }
        const next = { ...carryOut(chosen), take: null }
        const again = decide(next)
        expect(again.act).not.toBe('conflict')
        if (again.act === 'keep' && again.settled && other !== facts.desired)
          expect(['conflict', 'adopt', 'replace', 'chmod', 'create']).toContain(
            decide({ ...next, desired: other }).act,
          )
      }),
      runs,
    )
  })
})
