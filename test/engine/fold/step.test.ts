/** One step of the fold: every kind of entry by table, its place in the chain, and that it can be undone exactly. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { encode } from '../../../engine/codec/msgpack.ts'
import { sha256 } from '../../../engine/crypto/hash.ts'
import { decodeEntry, encodeEntry } from '../../../engine/fold/entry.ts'
import { State } from '../../../engine/fold/state.ts'
import { step } from '../../../engine/fold/step.ts'
import { type Event, events as known } from '../../../schemas/event/index.ts'
import { isRefusal } from '../../../schemas/fault.ts'
import { checkpointEveryEntries, entryBytesMax, filesMax, followersMax } from '../../../schemas/limits.ts'
import { chainRoot } from '../../../schemas/signable.ts'
import * as draft from '../fixture.ts'

const { put, removed, secretPut, secretRemoved, enrolled, revoked, approval, epochStarted, epochGranted } =
  draft
const wraps = (epoch: number): Event => ({ type: 'wraps.put', body: { epoch, blob: Buffer.alloc(32, 4) } })
const upgraded = (version: number): Event => ({ type: 'fold.upgraded', body: { version } })
const ruleOf = (n: number) => `rules/${'x'.repeat(100)}/${'y'.repeat(100)}/${n}`
const manyRules = Array.from({ length: 250 }, (_, n) => ruleOf(n))

type Row = readonly [what: string, before: readonly Event[], event: Event, refused: string | null]
const table: readonly Row[] = [
  ['a second charter', [], draft.charter(), 'refused'],
  ['the same fold version', [], upgraded(1), 'refused'],
  ['a lower fold version', [], upgraded(0), 'refused'],
  ['a later fold version', [], upgraded(2), 'upgrade-needed'],
  ['a file', [], put('a.md'), null],
  ['a file again, changed', [put('a.md')], put('a.md', 'other', true), null],
  ['a file again, unchanged', [put('a.md')], put('a.md'), null],
  ['a twin of a file', [put('a.md')], put('A.md'), 'refused'],
  ['a file below a file', [put('a')], put('a/b'), 'refused'],
  ['a file where a folder is', [put('a/b')], put('a'), 'refused'],
  ['a file where a secret is', [secretPut('a.md')], put('a.md'), 'refused'],
  ['a twin of a secret', [secretPut('a.md')], put('A.md'), 'refused'],
  ['a file where one was', [put('a/b'), removed('a/b')], put('a'), null],
  ['a removed file', [put('a.md')], removed('a.md'), null],
  ['a removed file that is not there', [], removed('a.md'), 'refused'],
  ['a file removed twice', [put('a.md'), removed('a.md')], removed('a.md'), 'refused'],
  ['a secret removed as a file', [secretPut('a.md')], removed('a.md'), 'refused'],
  ['a secret', [], secretPut('auth.json'), null],
  ['a secret again', [secretPut('auth.json')], secretPut('auth.json', 2), null],
  ['a secret where a file is', [put('auth.json')], secretPut('auth.json'), 'refused'],
  ['a removed secret', [secretPut('auth.json')], secretRemoved('auth.json'), null],
  ['a file removed as a secret', [put('auth.json')], secretRemoved('auth.json'), 'refused'],
  ['a selection', [], draft.selection(['memories/']), null],
  ['a selection again', [draft.selection(['memories/'])], draft.selection([]), null],
  ['a selection that is too long', [], draft.selection(manyRules, manyRules), 'protocol'],
  ['a follower', [], enrolled(1), null],
  ['a follower twice', [enrolled(1)], enrolled(1), 'refused'],
  ['a follower that was revoked', [enrolled(1), revoked(1)], enrolled(1), 'refused'],
  [
    'the master as follower',
    [],
    { ...enrolled(1), body: { ...enrolled(1).body, node: draft.keys.node.public } },
    'refused',
  ],
  ['a revocation', [enrolled(1)], revoked(1), null],
  ['a revocation of nobody', [], revoked(1), 'refused'],
  ['a second revocation', [enrolled(1), revoked(1)], revoked(1), 'refused'],
  ['approval', [], approval(true), null],
  ['approval again', [approval(true)], approval(true), null],
  ['the first epoch', [], epochStarted(1), null],
  ['an epoch without number', [], epochStarted(0), 'refused'],
  ['a skipped epoch', [], epochStarted(2), 'refused'],
  ['the same epoch', [epochStarted(1)], epochStarted(1), 'refused'],
  ['the next epoch', [epochStarted(1)], epochStarted(2), null],
  ['a grant', [enrolled(1), epochStarted(1)], epochGranted(1, 1), null],
  ['a grant again', [enrolled(1), epochStarted(1), epochGranted(1, 1)], epochGranted(1, 1), null],
  ['a grant before any epoch', [enrolled(1)], epochGranted(0, 1), 'refused'],
  ['a grant of another epoch', [enrolled(1), epochStarted(1)], epochGranted(2, 1), 'refused'],
  ['a grant of an old epoch', [enrolled(1), epochStarted(1), epochStarted(2)], epochGranted(1, 1), 'refused'],
  ['a grant to nobody', [epochStarted(1)], epochGranted(1, 1), 'refused'],
  [
    'a grant to a revoked follower',
    [enrolled(1), epochStarted(1), revoked(1)],
    epochGranted(1, 1),
    'refused',
  ],
  ['wraps', [epochStarted(1)], wraps(1), null],
  ['wraps before any epoch', [], wraps(0), 'refused'],
  ['wraps of an old epoch', [epochStarted(1), epochStarted(2)], wraps(1), 'refused'],
  ['a rotation', [], draft.rotated(draft.stateOf().keys, draft.keys.log, draft.keyOf(7)), null],
  ['a recovery', [], draft.recovered(draft.stateOf().keys, draft.keys.log, draft.keyOf(7)), null],
]

describe('every kind of entry', () => {
  for (const [what, before, event, refused] of table)
    test(`${what} is ${refused ?? 'accepted'}`, () => {
      const state = draft.stateOf(...before)
      const was = draft.mark(state)
      const payload = draft.payloadOf(state, event)
      const done = step(state, payload)
      expect(isRefusal(done) ? done.refused : null).toBe(refused)
      if (isRefusal(done)) return expect(draft.mark(state)).toBe(was)
      expect(draft.mark(state)).not.toBe(was)
      // Told twice it is one entry, in another place it is none.
      expect(isRefusal(step(state, payload))).toBe(true)
      done.undo()
      expect(draft.mark(state)).toBe(was)
      expect(state.keys?.rotations).toBe(0)
    })

  test('the table speaks of each', () => {
    const told = new Set(table.flatMap(([, before, event]) => [...before, event].map(({ type }) => type)))
    expect([...told].sort()).toEqual(Object.keys(known).sort())
  })

  test('Q4: a revocation ends the grants of that machine, a new epoch those of all', () => {
    const grants = (state: State) => [...state.maps.epochs.rows().keys()].sort()
    const state = draft.stateOf(
      enrolled(1),
      enrolled(2),
      epochStarted(1),
      epochGranted(1, 1),
      epochGranted(1, 2),
    )
    expect(grants(state)).toEqual(['current', draft.idOf(1), draft.idOf(2)].sort())
    draft.fold(state, revoked(1))
    expect(grants(state)).toEqual(['current', draft.idOf(2)].sort())
    draft.fold(state, epochStarted(2))
    expect(grants(state)).toEqual(['current'])
  })
})

describe('the place of an entry', () => {
  const at = (state: State) => [state.at.seq + 1, state.at.entry, state.at.timeMs] as const
  const event = put('a.md')
  const places: Readonly<Record<string, readonly [make: (state: State) => Buffer, refused: string]>> = {
    'a number too low': [
      (state) => encodeEntry(state.at.seq, state.at.entry, state.at.timeMs, event),
      'protocol',
    ],
    'a number too high': [
      (state) => encodeEntry(state.at.seq + 2, state.at.entry, state.at.timeMs, event),
      'protocol',
    ],
    'another predecessor': [
      (state) => encodeEntry(state.at.seq + 1, Buffer.alloc(32, 1), state.at.timeMs, event),
      'fork',
    ],
    'the chain root as predecessor': [
      (state) => encodeEntry(state.at.seq + 1, sha256(chainRoot(draft.logId)), state.at.timeMs, event),
      'fork',
    ],
    'an earlier time': [
      (state) => encodeEntry(state.at.seq + 1, state.at.entry, state.at.timeMs - 1, event),
      'refused',
    ],
    'a type that is not known': [
      (state) => encodeEntry(...at(state), { type: 'file.moved', body: {} } as object as Event),
      'upgrade-needed',
    ],
    'a type of the prototype': [
      (state) => encodeEntry(...at(state), { type: 'constructor', body: {} } as object as Event),
      'upgrade-needed',
    ],
    'a field too many': [
      (state) => encodeEntry(...at(state), { ...event, body: { ...event.body, more: 1 } } as object as Event),
      'protocol',
    ],
    'a field too few': [
      (state) => encodeEntry(...at(state), { type: 'file.put', body: { path: 'a.md' } } as object as Event),
      'protocol',
    ],
    'six parts': [
      (state) => Buffer.from(encode([...at(state), 'file.removed', { path: 'a' }, 1])),
      'protocol',
    ],
    'four parts': [(state) => Buffer.from(encode([...at(state), 'file.removed'])), 'protocol'],
    'no parts': [() => Buffer.from(encode({ seq: 1 })), 'protocol'],
    'more bytes than an entry has': [
      () => Buffer.concat([Buffer.of(0x95), Buffer.alloc(entryBytesMax)]),
      'protocol',
    ],
  }
  for (const [what, [make, refused]] of Object.entries(places))
    test(`${what} is refused`, () => {
      const state = draft.stateOf()
      const before = draft.mark(state)
      expect(step(state, make(state))).toMatchObject({ refused })
      expect(draft.mark(state)).toBe(before)
    })

  test('T14: names that no system could bear never get into the log', () => {
    const state = draft.stateOf()
    for (const path of [
      '../a',
      '/a',
      'a/../b',
      'C:\\a',
      'a\\b',
      'CON',
      'a/nul.txt',
      'a.',
      'a ',
      'a\u202eb',
      'a\0',
      '',
      '.git/x',
      'e\u0301',
    ])
      for (const type of ['file.put', 'file.removed', 'secret.put'] as const) {
        const whole =
          type === 'file.put' ? put('a.md').body : type === 'secret.put' ? secretPut('a.md').body : {}
        const payload = encodeEntry(...at(state), { type, body: { ...whole, path } } as object as Event)
        expect(step(state, payload), `${type} ${JSON.stringify(path)}`).toMatchObject({ refused: 'protocol' })
      }
  })

  test('a log begins with its charter, whose predecessor is its own id', () => {
    const state = new State()
    const first = encodeEntry(1, sha256(chainRoot(draft.logId)), 0, put('a.md'))
    expect(step(state, first)).toMatchObject({ refused: 'refused' })
    const foreign = encodeEntry(1, sha256(chainRoot(Buffer.alloc(16, 9))), 0, draft.charter())
    expect(step(state, foreign)).toMatchObject({ refused: 'fork' })
    expect(draft.fold(state, draft.charter())).toBeNull()
  })

  test('an entry is hashed as it lies there, not as it would be written', () => {
    const state = draft.stateOf()
    const payload = draft.payloadOf(state, removed('a.md'))
    // The same entry with its number in a wider form.
    const wide = Buffer.concat([payload.subarray(0, 1), Buffer.from('cd0002', 'hex'), payload.subarray(2)])
    const [narrow, other] = [decodeEntry(payload), decodeEntry(wide)]
    if (isRefusal(narrow) || isRefusal(other)) return expect.fail('both are entries')
    expect(other.entry).toEqual(narrow.entry)
    expect(other.hash).toEqual(sha256(wide))
    expect(other.hash).not.toEqual(narrow.hash)
  })
})

describe('bounds', () => {
  test('Q3: no home has more files than may be, secrets included', () => {
    const state = draft.stateOf(put('a.md'))
    Object.defineProperty(state.maps.files, 'size', { value: filesMax - 1 })
    expect(draft.fold(state, secretPut('b.json'))).toBeNull()
    expect(draft.fold(state, put('c.md'))?.refused).toBe('refused')
    expect(draft.fold(state, secretPut('c.md'))?.refused).toBe('refused')
    expect(draft.fold(state, put('a.md', 'changed'))).toBeNull()
  })

  test(`Q3: a log has at most ${followersMax} followers, however many of them were revoked`, () => {
    const state = draft.stateOf(enrolled(1), revoked(1), approval(true))
    for (let n = 2; n <= followersMax; n++) expect(draft.fold(state, enrolled(n))).toBeNull()
    expect(draft.fold(state, enrolled(followersMax + 1))?.refused).toBe('refused')
  })
})

describe('the state', () => {
  test('every 256th entry is a checkpoint, and the running hash is part of the state', () => {
    const state = draft.stateOf()
    const undos = []
    for (let n = 2; n <= 600; n++) {
      const done = step(state, draft.payloadOf(state, put('AGENTS.md', `${n}`)))
      if (isRefusal(done)) return expect.fail(done.why)
      undos.push({ undo: done.undo, before: n === 257 || n === 256 })
      expect(state.checkpoints.length).toBe(Math.floor(n / checkpointEveryEntries))
    }
    expect(state.checkpoints.map(({ seq }) => seq)).toEqual([256, 512])
    const marked = draft.mark(state)
    for (const { undo } of undos.reverse()) undo()
    expect(draft.mark(state)).toBe(draft.mark(draft.stateOf()))
    expect(state.checkpoints).toEqual([])
    for (let n = 2; n <= 600; n++) draft.fold(state, put('AGENTS.md', `${n}`))
    expect(draft.mark(state)).toBe(marked)
  })

  test('a revision is of the tree alone (S24)', () => {
    const state = draft.stateOf(put('a.md'))
    const revision = state.revision()
    for (const event of [enrolled(1), approval(true), epochStarted(1), draft.selection([])])
      draft.fold(state, event)
    expect(state.revision()).toEqual(revision)
    draft.fold(state, put('a.md', 'other'))
    expect(state.revision()).not.toEqual(revision)
    draft.fold(state, put('a.md'))
    expect(state.revision()).toEqual(revision)
  })

  test('S27: any accepted entries, undone to any place and told again, give the same state', () => {
    const event = fc.oneof(
      fc.nat(8).map((n): Event => put(`rules/${n}.md`, `${n}`)),
      fc.nat(8).map((n): Event => removed(`rules/${n}.md`)),
      fc.nat(4).map((n): Event => secretPut(`rules/${n}.md`)),
      fc.nat(4).map((n): Event => enrolled(n)),
      fc.nat(4).map((n): Event => revoked(n)),
      fc.nat(3).map((n): Event => epochStarted(n)),
      fc.tuple(fc.nat(3), fc.nat(4)).map(([epoch, n]): Event => epochGranted(epoch, n)),
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), fc.nat(), (drafts, cut) => {
        const state = draft.stateOf()
        const done: { readonly event: Event; readonly undo: () => void; readonly mark: string }[] = []
        for (const one of drafts) {
          const result = step(state, draft.payloadOf(state, one))
          if (!isRefusal(result)) done.push({ event: one, undo: result.undo, mark: draft.mark(state) })
        }
        const back = done.length === 0 ? 0 : cut % (done.length + 1)
        for (let i = done.length - 1; i >= back; i--) done[i]?.undo()
        expect(draft.mark(state)).toBe(done[back - 1]?.mark ?? draft.mark(draft.stateOf()))
        for (const { event: one } of done.slice(back)) expect(draft.fold(state, one)).toBeNull()
        expect(draft.mark(state)).toBe(done.at(-1)?.mark ?? draft.mark(draft.stateOf()))
      }),
      { seed: 20260105, numRuns: 100 },
    )
  })
})
