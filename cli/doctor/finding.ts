/**
 * What a check says when something is not as it should be.
 * Always holds: no finding holds a secret: names, paths, numbers and the sentences of faults, nothing of a file's content.
 */
import type { Facts } from './facts.ts'

/** A fault: something does not work, or soon will not. A warning: it works, and should be looked at. */
export type Level = 'fault' | 'warning'

export type Finding = {
  /** What is wrong, as programs know it. */
  readonly id: string
  readonly level: Level
  /** One line, for people. */
  readonly title: string
  /** What it means, in sentences. */
  readonly means: string
  /** What to do, in sentences. */
  readonly todo: string
  /** `stemma doctor --fix` mends it. */
  readonly fixable: boolean
}

/** Judges facts that were looked at. Pure. */
export type Check = (facts: Facts) => readonly Finding[]

type Words = Pick<Finding, 'title' | 'means' | 'todo'>
export const fault = (id: string, words: Words): Finding => ({ ...words, id, level: 'fault', fixable: false })
export const warning = (id: string, words: Words): Finding => ({
  ...words,
  id,
  level: 'warning',
  fixable: false,
})
export const fixable = (finding: Finding): Finding => ({ ...finding, fixable: true })
