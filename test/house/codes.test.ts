/** Every error code is used, is tested, and tells what to do next; every event is folded. */
import { expect, test } from 'vitest'
import { reducers } from '../../engine/fold/reducers/index.ts'
import { codes } from '../../schemas/code.ts'
import { events } from '../../schemas/event/index.ts'
import { product, type Source, tests } from './sources.ts'

const naming = (word: string, sources: readonly Source[]): boolean =>
  sources.some((source) => new RegExp(`(['"\`])${word}\\1`).test(source.text))

test('every error code is thrown or refused with', () => {
  const users = product.filter((source) => source.path !== 'schemas/code.ts')
  expect(Object.keys(codes).filter((code) => !naming(code, users))).toEqual([])
})

test('every error code is matched in a test', () => {
  const checks = tests.filter((source) => !source.path.startsWith('test/house/'))
  expect(Object.keys(codes).filter((code) => !naming(code, checks))).toEqual([])
})

test('every hint is made of whole sentences', () => {
  for (const { hint } of Object.values(codes)) expect(hint).toMatch(/^[A-Z].*[.)]$/)
})

test('every fault and refusal has a code of the closed list', () => {
  const form = /\b(?:new Fault|refuse)\(\s*'([^']+)'/g
  const used = product.flatMap((source) => [...source.text.matchAll(form)].map((match) => match[1] ?? ''))
  expect(used.filter((code) => !Object.hasOwn(codes, code))).toEqual([])
})

test('every event is declared under its own name, as a fact of the past', () => {
  for (const [type, event] of Object.entries(events)) {
    expect(event.type).toBe(type)
    expect(type).toMatch(/^[a-z]+\.(?:put|[a-z]+ed)$/)
  }
})

test('every event has a reducer of its own', () => {
  expect(Object.keys(reducers).sort()).toEqual(Object.keys(events).sort())
  expect(new Set(Object.values(reducers)).size).toBe(Object.keys(events).length)
})
