/** File content on its way, either direction (upwards only in answer to a recall). */
import { needHashesMax } from '../limits.ts'
import { bytes, v } from '../shape.ts'
import { hashBytes } from '../signable.ts'
import { blobParts, message } from './shape.ts'

/** Send these blobs, in this order. */
export const need = message('need', {
  hashes: v.pipe(v.array(bytes(hashBytes)), v.minLength(1), v.maxLength(needHashesMax)),
})
/** Pieces of the blobs asked for, in order; an empty blob is one empty piece. */
export const blob = message('blob', { parts: blobParts })
/** These cannot be served (swept meanwhile, or damaged here). */
export const lack = message('lack', {
  hashes: v.pipe(v.array(bytes(hashBytes)), v.minLength(1), v.maxLength(needHashesMax)),
})
