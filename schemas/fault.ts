/**
 * The three kinds of trouble (README): a bug asserts, a refusal is a value, a fault of the world is thrown.
 * A fault's message is one sentence without secrets; `facts` are plain data for `--json` and tests.
 */
import { type Code, codes } from './code.ts'

export type Facts = Readonly<Record<string, string | number | boolean | null>>

/** A fault of the world, with a code from the closed list. */
export class Fault extends Error {
  readonly code: Code
  readonly facts: Facts
  constructor(code: Code, message: string, facts: Facts = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'Fault'
    this.code = code
    this.facts = facts
  }
  /** What to do next, for people. */
  get hint(): string {
    return codes[this.code].hint
  }
}

/** A refusal of bad input or a bad peer: a value, never thrown by a decision. */
export type Refusal = { readonly refused: Code; readonly why: string; readonly facts?: Facts }
export const refuse = (refused: Code, why: string, facts?: Facts): Refusal =>
  facts ? { refused, why, facts } : { refused, why }
export const isRefusal = (value: unknown): value is Refusal =>
  typeof value === 'object' && value !== null && 'refused' in value
/** Turns a refusal into a fault at the place where it can no longer be answered. */
export const toFault = (refusal: Refusal): Fault => new Fault(refusal.refused, refusal.why, refusal.facts)

/** Stops on a bug: a condition that no input can make false. */
export function assert(condition: unknown, message: string): asserts condition {
  if (!condition) throw new Error(`bug: ${message}`)
}
/** The end of a total switch. */
export function unreachable(value: never): never {
  throw new Error(`bug: unreachable case ${JSON.stringify(value)}`)
}
