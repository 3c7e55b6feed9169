/** Sizes that only messages use. */
export { keyRotationsMax } from '../limits.ts'
export const sealKeyBytes = 32
