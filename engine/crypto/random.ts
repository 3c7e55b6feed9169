/** Unpredictable bytes from the system, for `engine/env/system.ts`: everybody else asks the Ids port. */
import { randomBytes } from 'node:crypto'

export const systemBytes = (length: number): Buffer => randomBytes(length)
