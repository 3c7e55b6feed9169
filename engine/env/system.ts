/**
 * The real Clock and Ids.
 * Always holds: what the ports promise (`clock.ts`, `ids.ts`); names are safe in every file system, one that
 * folds case included.
 */
import { customAlphabet } from 'nanoid'
import { systemBytes } from '../crypto/random.ts'
import type { Ids } from './ids.ts'

export { systemClock } from './system-clock.ts'

/** Lower case only, so that folding loses nothing: 20 of 36 characters are 103 bits. */
const nextName = customAlphabet('0123456789abcdefghijklmnopqrstuvwxyz', 20)

export const systemIds: Ids = {
  bytes: systemBytes,
  name: () => nextName(),
  fraction: () => systemBytes(6).readUIntBE(0, 6) / 2 ** 48,
}
