/**
 * How an event is declared: its type, the shape of its body, and the fields that are never shown.
 */
import { v } from '../shape.ts'

type Fields = v.ObjectEntries
export type EventShape<T extends string, F extends Fields> = {
  readonly type: T
  readonly body: v.StrictObjectSchema<F, undefined>
  /** Fields that no output shows, sealed or not. */
  readonly hidden: readonly (keyof F & string)[]
}

export function event<const T extends string, const F extends Fields>(
  type: T,
  fields: F,
  hidden: readonly (keyof F & string)[] = [],
): EventShape<T, F> {
  return { type, body: v.strictObject(fields), hidden }
}
