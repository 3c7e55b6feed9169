/** What stood in the way of a look is a fact like any other. Always holds: a bug passes. */
import { Fault } from '../../../schemas/fault.ts'
import type { Told } from '../facts.ts'

export const toldOf = ({ code, message, hint }: Fault): Told => ({ code, message, hint })

export type Attempt<T> =
  | { readonly got: T; readonly told: null }
  | { readonly got: null; readonly told: Told }

export async function attempt<T>(work: () => Promise<T>): Promise<Attempt<T>> {
  try {
    return { got: await work(), told: null }
  } catch (error) {
    if (!(error instanceof Fault) || error.code === 'interrupted') throw error
    return { got: null, told: toldOf(error) }
  }
}
