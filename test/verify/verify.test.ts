/**
 * S27: a second reader, written from docs/FORMAT.md alone and in another language, comes to the same seq, revision,
 * state hash and fingerprint as the engine, and takes nothing else for that log.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fingerprint } from '../../engine/crypto/ed25519.ts'
import { openDisk } from '../../engine/disk/real.ts'
import { writeRecords } from '../../engine/log/record.ts'
import { segmentHeaderBytes } from '../../engine/log/segment.ts'
import { events } from '../../schemas/event/index.ts'
import { assert } from '../../schemas/fault.ts'
import { logId, placeOn } from '../engine/fixture.ts'
import { Random } from '../sim/random.ts'
import { cut, flipped, meantBytes, type Piece } from './pieces.ts'
import { describeVerifier, expectRefused, type Segments, verify } from './run.ts'
import { type Story, writeStory } from './story.ts'

const seed = 7
const flips = 60

describeVerifier('S27: a second reader of the log', () => {
  let home: string
  let dir: string
  let story: Story
  let segments: Segments
  /** The number of the second segment. */
  let later: number

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'stemma-story-'))
    dir = join(home, 'log')
    story = await writeStory(placeOn(await openDisk(), 1, dir), seed)
    await story.log.close()
    const names = readdirSync(dir).sort()
    segments = Object.fromEntries(
      names.map((name) => [Number(name.slice(0, 16)), readFileSync(join(dir, name))]),
    )
    later = Number(names[1]?.slice(0, 16))
    expect(Object.keys(segments)).toEqual(['1', String(later)])
  })
  afterAll(() => rmSync(home, { recursive: true, force: true }))

  const segment = (first: number): Buffer => {
    const bytes = segments[first]
    assert(bytes, 'the story has this segment')
    return bytes
  }

  test('the document: every value and path that it quotes', async () => {
    const document = fileURLToPath(new URL('../../docs/FORMAT.md', import.meta.url))
    const { code, out } = await verify('--self-test', document)
    expect(out).toMatch(/ok: \d+ quoted values, \d+ quoted paths; not checked of them: none$/)
    expect(code).toBe(0)
  })

  test('the story holds every event of this fold version', () => {
    expect([...story.told, 'fold.upgraded'].sort()).toEqual(Object.keys(events).sort())
  })

  test('a log of the engine, every head of it, comes out as the engine has it', async () => {
    const { code, out } = await verify(dir, '--json')
    const { state, head } = story.log
    assert(state.keys, 'there is a charter')
    expect(JSON.parse(out)).toEqual({
      ok: true,
      seq: head.seq,
      revision: head.revision.toString('hex'),
      state: state.stateHash().toString('hex'),
      fingerprint: fingerprint(state.keys.nodeKey),
      logId: logId.toString('hex'),
      // That of the base stands in both segments.
      heads: story.batches + 1,
      entries: head.seq,
      missing: 0,
    })
    expect(code).toBe(0)
  })

  test(`T1: ${flips} flipped bits, with the old checksum and with a new one (seed ${seed})`, async () => {
    const random = new Random(seed)
    const pieces = [1, later].flatMap((first) => cut(segment(first)).map((piece) => ({ ...piece, first })))
    const kinds: readonly Piece['kind'][] = ['header', 'part', 'head', 'entry']
    const picks = Array.from({ length: flips }, (_, i) => {
      const alike = pieces.filter(({ kind }) => kind === kinds[i % kinds.length])
      const piece = alike[random.below(alike.length)]
      assert(piece, 'there are pieces of every kind')
      const sealed = random.chance(0.6)
      const bytes = meantBytes(piece)
      const byte = sealed ? bytes[random.below(bytes.length)] : piece.at + random.below(piece.end - piece.at)
      return { piece, byte: byte ?? piece.at, bit: random.below(8), sealed }
    })
    await expectRefused(
      picks.map(({ piece, byte, bit, sealed }) => {
        const { kind, first } = piece
        const meant = `segment ${first}, bit ${bit} of byte ${byte}, in a ${kind}${sealed ? ' with a new checksum' : ''}`
        // Each segment stands on its own, so the other one is left out.
        const bytes = flipped(segment(first), piece, byte, bit, sealed)
        return [meant, sealed ? /./ : /checksum|record|header/, { [first]: bytes }]
      }),
    )
  })

  test('T8: entries that are swapped, left out or cut off', async () => {
    const pieces = cut(segment(1)).slice(1)
    const payloads = pieces.map(({ payload }) => payload)
    const kinds = pieces.map(({ kind }) => kind)
    const whole = (changed: readonly Buffer[]) =>
      Buffer.concat([segment(1).subarray(0, segmentHeaderBytes), writeRecords(changed)])
    expect(whole(payloads)).toEqual(segment(1))
    // Two entries in the midst of the largest batch, and its head.
    const i = kinds.findIndex((_, n) => n > 100 && kinds.slice(n - 1, n + 2).join() === 'entry,entry,entry')
    const at = kinds.indexOf('head', i)
    const [one, two, head, part] = [
      payloads[i],
      payloads[i + 1],
      payloads[at],
      cut(segment(later))[1]?.payload,
    ]
    assert(one && two && head && part, 'there is a large batch')
    const cases: readonly [string, RegExp, Buffer][] = [
      ['two entries swapped', /stands where entry/, whole(payloads.with(i, two).with(i + 1, one))],
      ['an entry left out', /stands where entry/, whole(payloads.toSpliced(i, 1))],
      ['an entry twice', /stands where entry/, whole(payloads.toSpliced(i, 0, one))],
      ['a batch left out', /stands where entry/, whole(payloads.toSpliced(2, kinds.indexOf('head', 2) - 1))],
      ['a head too early', /is not of entry/, whole(payloads.toSpliced(at, 1).toSpliced(i, 0, head))],
      ['the end without its head', /does not end behind a head/, whole(payloads.slice(0, -1))],
      ['the end in mid-batch', /does not end behind a head/, whole(payloads.slice(0, i))],
      ['the end in mid-record', /cut off/, segment(1).subarray(0, -5)],
      ['a base part in the middle', /part behind the base/, whole(payloads.toSpliced(i, 0, part))],
    ]
    await expectRefused(cases.map(([meant, why, bytes]) => [meant, why, { 1: bytes }]))
  })
})
