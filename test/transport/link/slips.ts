/**
 * A master played by hand that slips once: the follower must end the link, have stored nothing, and mend itself
 * with an honest one.
 */
import { expect } from 'vitest'
import type { Down } from '../../../schemas/wire/index.ts'
import { halfDone, makePair, type Pair, picture, RawMaster, sync } from './pair.ts'

export const done = { host: { code: 'done', why: '' }, pull: { code: 'done', why: '' } }

/** A follower two batches behind its master, or one that has nothing yet. */
export async function world(cold: boolean): Promise<Pair> {
  const pair = await makePair()
  await pair.there.publish({ 'AGENTS.md': 'one\n' })
  if (!cold) await sync(pair)
  await pair.there.publish({ 'AGENTS.md': 'two\n', 'rules/x': 'x' })
  await pair.there.publish({ 'skills/a/large': Buffer.alloc(600_000, 1) })
  return pair
}

/** Plays one slip; the code that the follower ended with, once it has stored nothing and mended itself. */
export async function slip(pair: Pair, play: (raw: RawMaster) => Promise<void>): Promise<string> {
  const before = picture(pair.here.disk)
  const hashBefore = pair.here.follower.state?.stateHash()
  const raw = new RawMaster(pair)
  const playing = play(raw).catch(() => undefined)
  const { code } = await raw.pulled
  raw.wire.close('gone', 'done')
  await playing
  expect(halfDone(pair.here.disk)).toEqual([])
  expect(picture(pair.here.disk)).toEqual(before)
  expect(pair.here.follower.state?.stateHash()).toEqual(hashBefore)
  await pair.here.reopen()
  expect(await sync(pair)).toEqual(done)
  expect(pair.here.follower.head?.bytes).toEqual(pair.there.master.head.bytes)
  return code
}

export async function wanted(raw: RawMaster): Promise<number> {
  await raw.greet()
  return (await raw.expect('want')).from
}
export const baseOf = async ({ there }: Pair): Promise<Extract<Down, { t: 'base' }>[]> => {
  const { parts, head } = await there.master.log.base()
  return parts.map((part, index) => ({ t: 'base', head: head.bytes, index, of: parts.length, part }))
}
export const flip = (bytes: Uint8Array, at: number): Buffer => {
  const copy = Buffer.from(bytes)
  copy[at] = (copy[at] ?? 0) ^ 1
  return copy
}
