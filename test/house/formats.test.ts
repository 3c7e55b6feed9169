/**
 * What lies on people's disks and crosses the wire is pinned: a change needs a new version, and then a new pin.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { events, foldVersion } from '../../schemas/event/index.ts'
import * as limits from '../../schemas/limits.ts'
import { rows, sections } from '../../schemas/section.ts'
import { down, up, wireVersion } from '../../schemas/wire/index.ts'
import { describeSchema } from './describe.ts'
import { project } from './sources.ts'

const pin = (value: unknown): string =>
  createHash('sha256')
    .update(JSON.stringify(describeSchema(value)))
    .digest('hex')
    .slice(0, 32)

/** The shapes of all messages, by `wireVersion`. Released versions are never edited, a new one is added. */
const wirePins: Readonly<Record<number, string>> = {
  1: '1ad7c29ca9cf7102d11599c1a9745d49',
}
/** The shapes of all event bodies and of all rows of a base, by `foldVersion`. */
const foldPins: Readonly<Record<number, string>> = {
  1: 'cfaf27d4e8496e178b626678c5bdda5c',
}

test('the wire schema changes only with a new wireVersion', () => {
  expect(pin({ up, down })).toBe(wirePins[wireVersion])
})

test('events, rows and the order of the sections change only with a new foldVersion', () => {
  const bodies = Object.fromEntries(Object.entries(events).map(([type, event]) => [type, event.body]))
  expect(pin({ bodies, rows, sections: sections.map((name, index) => `${index} ${name}`) })).toBe(
    foldPins[foldVersion],
  )
})

/** The bounds under a heading of `schemas/limits.ts` that ends in "(format)". */
function formatLimits(): Record<string, number> {
  const chapters = readFileSync(`${project}schemas/limits.ts`, 'utf8').split(/^\/\/ --- /m)
  const names = chapters
    .filter((chapter) => /^[^\n]*\(format\) ---\n/.test(chapter))
    .flatMap((chapter) => [...chapter.matchAll(/^export const (\w+)/gm)].map((match) => match[1] ?? ''))
  return Object.fromEntries(Object.entries(limits).filter(([name]) => names.includes(name)))
}

test('the bounds of the format change only with a new foldVersion', () => {
  expect(formatLimits()).toMatchObject({
    pathSegmentBytesMax: 120,
    pathSegmentsMax: 16,
    pathBytesMax: 512,
    entryBytesMax: 65_536,
    batchEntriesMax: 4096,
    batchBytesMax: 8_388_608,
    basePartBytesMax: 262_144,
    baseBytesMax: 134_217_728,
    checkpointEveryEntries: 256,
    keyRotationsMax: 256,
    segmentBytesMax: 67_108_864,
    retainEntriesMin: 4096,
  })
})

test('the description that is pinned sees names, bounds, choices and order', () => {
  const text = JSON.stringify(describeSchema({ up, down, rows }))
  for (const part of ['"hello"', '"recall"', 'expected 211 bytes', '"rotated"', '"strict_tuple"', '1024'])
    expect(text).toContain(part)
})
