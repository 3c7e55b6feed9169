/** Hashes as they are held in memory and shown. Apart from the other shapes, since the session hook needs no validator. */
const hexForm = /^[0-9a-f]{64}$/
declare const hashBrand: unique symbol
/** A SHA-256 in lower-case hex. */
export type Hash = string & { readonly [hashBrand]: true }
export const isHash = (value: unknown): value is Hash => typeof value === 'string' && hexForm.test(value)
