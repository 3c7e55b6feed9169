/** The habits of the house, as far as a machine can see them. */
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { expect, test } from 'vitest'
import { everything, hits, product, project, sourceFolders, tests } from './sources.ts'

const linesMax = 400

test('no default exports', () => {
  // The runner reads its own configuration from a default export; it lies outside these folders.
  expect(everything.flatMap((source) => hits(source, /\bexport\s+default\b|\bas default\b/))).toEqual([])
})

test('no any, no double cast, no silenced compiler', () => {
  const any = /(?:[:<,|&(]|\bas|=>)\s*any\b(?!\s*[:=(])|\bany\[\]/
  const cast = /\bas unknown as\b/
  const silenced = /@ts-[a-z]|biome-ignore|eslint-disable/
  for (const pattern of [any, cast]) expect(everything.flatMap((source) => hits(source, pattern))).toEqual([])
  const told = everything.filter((source) => !source.path.startsWith('test/house/'))
  expect(told.flatMap((source) => hits(source, silenced, source.text))).toEqual([])
})

test('nothing is left for later', () => {
  const later = /\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b/
  expect(everything.flatMap((source) => hits(source, later, source.text))).toEqual([])
})

test('no test is left out or runs alone', () => {
  const left = /\.(?:only|skip|todo|fails)\s*\(|\bx(?:it|describe|test)\s*\(/
  expect(tests.flatMap((source) => hits(source, left))).toEqual([])
})

test(`no file is longer than ${linesMax} lines`, () => {
  const long = everything
    .map((source) => ({ path: source.path, lines: source.text.split('\n').length - 1 }))
    .filter((file) => file.lines > linesMax)
  expect(long).toEqual([])
})

test('every product file opens with a doc comment', () => {
  const bare = product.filter((source) => !/^(?:#![^\n]*\n)?\/\*\*/.test(source.text))
  expect(bare.map((source) => source.path)).toEqual([])
})

test('names are short, kebab-case, and say what is inside', () => {
  const form = /^[a-z0-9]+(?:-[a-z0-9]+){0,2}(?:\.test|\.bench)?\.(?:ts|js|mjs)$/
  const empty = /^(?:utils?|helpers?|manager|common|misc|shared|stuff)\b/
  const wrong = everything.filter(
    (source) => !form.test(basename(source.path)) || empty.test(basename(source.path)),
  )
  expect(wrong.map((source) => source.path)).toEqual([])
})

test('every room says what it is for in a README of a screen', () => {
  const rooms = sourceFolders().filter((folder) =>
    /^(?:schemas|engine\/[^/]+|transport\/[^/]+|cli|test|bench)$/.test(folder),
  )
  const silent = rooms.filter((folder) => !existsSync(`${project}${folder}/README.md`))
  expect(silent).toEqual([])
})
