/**
 * S27, Q4: the second reader opens what the engine sealed with the seal key of a follower that stayed, nothing with
 * that of a revoked one, and nothing that was altered or moved, though the log around it is signed right.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { encode } from '../../engine/codec/msgpack.ts'
import { fromHash, sha256, toHash } from '../../engine/crypto/hash.ts'
import { formatKeyFile } from '../../engine/keys/file.ts'
import { makeGrant } from '../../engine/secrets/grant.ts'
import { type LiveKey, readWraps, writeWraps } from '../../engine/secrets/wraps.ts'
import type { Event } from '../../schemas/event/index.ts'
import { assert, isRefusal } from '../../schemas/fault.ts'
import type { WrapRow } from '../../schemas/wraps.ts'
import { enrolled, epochStarted, idOf, secretPut } from '../engine/fixture.ts'
import { type Machine, stemmaHome } from '../engine/machines.ts'
import { SimIds } from '../sim/ids.ts'
import { describeVerifier, verify } from './run.ts'
import { lay, plain, type SealedStory, sealedStory, withBatch, wrapsOf } from './sealed.ts'

const ids = new SimIds(5)
const flip = (bytes: Uint8Array, at: number): Buffer => {
  const out = Buffer.from(bytes)
  out[at] = (out[at] ?? 0) ^ 0x10
  return out
}

type Forgery = {
  readonly meant: string
  readonly why: RegExp
  /** Come behind the story in one batch. */
  readonly events?: readonly Event[]
  /** Lie beside its own. */
  readonly blobs?: readonly Buffer[]
  /** Another content for a blob that is there, or none. */
  readonly spoilt?: readonly [name: string, bytes: Buffer | null]
}

describeVerifier('S27: a second reader of the secrets', () => {
  let dir: string
  let story: SealedStory
  let inside: Awaited<ReturnType<typeof wrapsOf>>

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'stemma-sealed-'))
    story = await sealedStory()
    inside = await wrapsOf(story)
    for (const [name, { disk }] of Object.entries(homes())) lay(disk, join(dir, name))
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  const homes = () => ({
    master: story.world,
    stayed: story.stayed,
    revoked: story.revoked,
    late: story.late,
  })
  const nameOf = (reader: Machine) =>
    Object.entries(homes()).find(([, one]) => one === reader)?.[0] ?? 'nobody'
  const open = (home: string, reader: string, ...more: string[]) =>
    verify(join(dir, home, 'log'), '--seal-key', join(dir, reader, 'keys', 'seal.key'), ...more)
  const sizes = Object.fromEntries(Object.entries(plain).map(([path, text]) => [path, text.length]))

  test.each(['stayed', 'late'] as const)('the follower that %s opens every secret', async (name) => {
    const { code, out } = await open('master', name, '--json')
    const { follower } = story[name]
    expect(JSON.parse(out)).toMatchObject({ ok: true, secrets: { follower: follower.id, sizes } })
    expect(code).toBe(0)
  })

  test('what comes out is what was sealed, of many blocks too', async () => {
    for (const path of ['.env', 'skills/a/.env'] as const)
      expect(await open('master', 'late', '--show', path)).toEqual({ code: 0, out: plain[path] })
    expect(await open('master', 'late', '--show', 'gone')).toEqual({
      code: 1,
      out: "not ok: there is no secret 'gone'",
    })
  })

  test('after a compaction, whose base has the rows of the epoch', async () => {
    await story.world.master.compact(0)
    lay(story.world.disk, join(dir, 'compacted'))
    const { out } = await open('compacted', 'stayed')
    expect(out).toMatch(/base at entry .*\n3 secrets, and the follower [0-9a-f]{64} can open each\nok: /)
  })

  test("Q4: the revoked follower's key opens nothing of the new epoch; a key of nobody, or a damaged file, neither", async () => {
    const told = async (home: string, reader: string) => (await open(home, reader, '--json')).out
    expect(await told('master', 'revoked')).toMatch(/the follower [0-9a-f]{64} is revoked/)
    // What it has itself ends before the new epoch, and opens: it had those contents.
    expect(await told('revoked', 'revoked')).toContain('"ok": true')
    expect(await told('master', 'master')).toMatch(/no follower has this seal key/)
    const { stayed } = story
    const file = formatKeyFile('seal', stayed.follower.keys.seal.private)
    lay(stayed.disk, join(dir, 'damaged'))
    writeFileSync(join(dir, 'damaged', 'keys', 'seal.key'), flip(file, 30))
    expect(await told('master', 'damaged')).toMatch(/is no key file of a seal key/)
  })

  const grant = (sealed: Uint8Array, follower: Uint8Array = fromHash(story.stayed.follower.id)): Event => ({
    type: 'epoch.granted',
    body: { epoch: 2, follower, sealed },
  })
  const wraps = (bytes: Buffer): Pick<Forgery, 'events' | 'blobs'> => ({
    events: [{ type: 'wraps.put', body: { epoch: 2, blob: sha256(bytes) } }],
    blobs: [bytes],
  })

  /** One process reads all, since most of its time is the start. */
  async function expectNothingOpens(
    forgeries: readonly Forgery[],
    reader: Machine = story.stayed,
  ): Promise<void> {
    const forged = mkdtempSync(join(dir, 'forged-'))
    const logs = forgeries.map((_, i) => join(forged, String(i), 'log'))
    for (const [i, { events = [], blobs = [], spoilt }] of forgeries.entries()) {
      const disk = events.length > 0 ? await withBatch(story, events) : story.world.disk.clone()
      for (const bytes of blobs) disk.plantFile(`${stemmaHome}/blobs/${toHash(sha256(bytes))}`, bytes)
      if (spoilt?.[1]) disk.plantFile(`${stemmaHome}/blobs/${spoilt[0]}`, spoilt[1])
      else if (spoilt) await disk.unlink(`${stemmaHome}/blobs/${spoilt[0]}`)
      lay(disk, join(forged, String(i)))
    }
    const sealKey = join(dir, nameOf(reader), 'keys', 'seal.key')
    const { code, out } = await verify(...logs, '--seal-key', sealKey, '--json', '--heads', 'last')
    const lines = out.split('\n')
    expect(lines.length, out).toBe(forgeries.length)
    for (const [i, { meant, why }] of forgeries.entries()) {
      expect(lines[i], meant).toMatch(/^\{"ok": false, "error": ".+"\}$/)
      expect(JSON.parse(lines[i] ?? '').error, meant).toMatch(why)
    }
    expect(code).toBe(1)
  }

  /** The grant of the follower that stayed as the log has it. */
  const granted = ({ follower: { id } }: Machine): Uint8Array => {
    const row = story.world.master.state.maps.epochs.get(id)
    assert(row?.kind === 'grant', 'it has its grant')
    return row.sealed
  }

  test('Q4: grants that are altered, moved or of another key', async () => {
    const { stayed, late, epochKeys } = story
    const [id, seal] = [fromHash(stayed.follower.id), stayed.follower.keys.seal.public]
    const place = { logId: inside.logId, epoch: 2, follower: id }
    const make = (at: Partial<typeof place>, key = epochKeys[1]) =>
      makeGrant(ids, { ...place, ...at }, seal, key)
    const [forged, other] = [/^the grant to [0-9a-f]{64} does not open$/, /made for another log, epoch or f/]
    await expectNothingOpens([
      ...[0, 31, 32, 47, 48, 147].map((at) => ({
        meant: `a flipped bit in byte ${at}`,
        why: forged,
        events: [grant(flip(granted(stayed), at))],
      })),
      { meant: 'cut off', why: forged, events: [grant(granted(stayed).subarray(0, -1))] },
      { meant: "another follower's", why: forged, events: [grant(granted(late))] },
      { meant: 'of the epoch before', why: other, events: [grant(make({ epoch: 1 }))] },
      { meant: 'of another log', why: other, events: [grant(make({ logId: Buffer.alloc(16) }))] },
      {
        meant: 'for another follower',
        why: other,
        events: [grant(make({ follower: fromHash(late.follower.id) }))],
      },
      {
        meant: 'with the key of the epoch before',
        why: /data key of content .* does not open/,
        events: [grant(make({}, epochKeys[0]))],
      },
      { meant: 'none in a new epoch', why: /has no grant/, events: [epochStarted(3)] },
    ])
  })

  test('Q4: a revoked key under another name, with all that it could bring', async () => {
    const { stayed, revoked, epochKeys } = story
    const seal = revoked.follower.keys.seal.public
    const follower = fromHash(idOf(77))
    const again = enrolled(77)
    const back: Event = { ...again, body: { ...again.body, seal } }
    const own = makeGrant(ids, { logId: inside.logId, epoch: 2, follower }, seal, epochKeys[0])
    await expectNothingOpens(
      [
        { meant: 'nothing', why: /has no grant/, events: [back] },
        {
          meant: 'the grant of another',
          why: /grant to .* does not open/,
          events: [back, grant(granted(stayed), follower)],
        },
        {
          meant: 'the epoch key that it had',
          why: /data key of content .* does not open/,
          events: [back, grant(own, follower)],
        },
      ],
      revoked,
    )
  })

  test('wraps that are altered, swapped, of another epoch or not whole', async () => {
    const { rows, live, logId, name } = inside
    const [one, two, ...rest] = rows
    assert(one && two && rest.length === 1, 'there are three secrets')
    const key = story.epochKeys[1]
    const closed = /data key of content .* does not open/
    const laid = (changed: readonly unknown[], epoch = 2) => wraps(Buffer.from(encode([epoch, changed])))
    const flipped = ([content, sealed, size, wrapped]: WrapRow, at: number) =>
      laid([[content, sealed, size, flip(wrapped, at)], two, ...rest])
    await expectNothingOpens([
      ...[0, 12, 59].map((at) => ({ meant: `byte ${at}`, why: closed, ...flipped(one, at) })),
      {
        meant: 'content ids swapped',
        why: closed,
        ...laid([[two[0], ...one.slice(1)], [one[0], ...two.slice(1)], ...rest]),
      },
      {
        meant: 'wrapped keys swapped',
        why: closed,
        ...laid([[...one.slice(0, 3), two[3]], [...two.slice(0, 3), one[3]], ...rest]),
      },
      {
        meant: 'ciphertexts swapped',
        why: closed,
        ...laid([[one[0], two[1], two[2], one[3]], [two[0], one[1], one[2], two[3]], ...rest]),
      },
      { meant: 'another epoch', why: /wraps are of epoch 1, not 2/, ...laid(rows, 1) },
      { meant: 'wrapped for another epoch', why: closed, ...laid(rowsFor(1)) },
      { meant: 'a row left out', why: /have no row for '/, ...laid([two, ...rest]) },
      { meant: 'a row twice', why: /stands twice in the wraps/, ...laid([one, ...rows]) },
      {
        meant: 'a length',
        why: /has \d+ bytes/,
        ...laid([[one[0], one[1], one[2] + 1, one[3]], two, ...rest]),
      },
      { meant: 'no msgpack', why: /msgpack/, ...wraps(Buffer.from([0xc1])) },
      { meant: 'a new content without its key', why: /have no row for/, events: [secretPut('.env', 8)] },
      { meant: 'no wraps here', why: /wraps is not among the blobs/, spoilt: [name, null] },
      { meant: 'damaged', why: /wraps is not what its name says/, spoilt: [name, Buffer.alloc(9)] },
    ])
    function rowsFor(epoch: number): readonly unknown[] {
      const read = readWraps(writeWraps(ids, { logId, epoch, key }, live))
      assert(!isRefusal(read), 'they are well formed')
      return read.rows
    }
  })

  test('ciphertexts that are altered or stand in the place of another', async () => {
    const { live, logId } = inside
    const [one, two, ...rest] = live
    assert(one && two, 'there are secrets')
    const sealed = await story.world.master.blobs.readWhole(one.sealed)
    assert(sealed, 'the master has it')
    const closed = /^the ciphertext of '.+' does not open$/
    const wrapped = (...changed: LiveKey[]) =>
      wraps(writeWraps(ids, { logId, epoch: 2, key: story.epochKeys[1] }, [...changed, ...rest]))
    const altered = [0, sealed.length - 1].map((at) => {
      const bytes = flip(sealed, at)
      const { events, blobs = [] } = wrapped({ ...one, sealed: toHash(sha256(bytes)) }, two)
      return {
        meant: `byte ${at} under a new name`,
        why: closed,
        events: events ?? [],
        blobs: [...blobs, bytes],
      }
    })
    await expectNothingOpens([
      ...altered,
      {
        meant: 'the contents of two, keys and all',
        why: closed,
        ...wrapped({ ...two, content: one.content }, { ...one, content: two.content }),
      },
      { meant: 'a wrong key', why: closed, ...wrapped({ ...one, key: two.key }, two) },
      { meant: 'not here', why: /is not among the blobs/, spoilt: [one.sealed, null] },
      { meant: 'a flipped bit', why: /is not what its name says/, spoilt: [one.sealed, flip(sealed, 3)] },
    ])
  })
})
