/** The two unions: what a follower may say (`up`) and what a master may say (`down`). */
import { v } from '../shape.ts'
import { blob, lack, need } from './blob.ts'
import { downHello, downWait, upHello } from './hello.ts'
import { ack, bye, downBase, downEntries, downHead, downRecall, upEntries, upWant } from './log.ts'

export { type BlobPart, wireVersion } from './shape.ts'

export const up = v.variant('t', [upHello, upWant, need, ack, upEntries, blob, lack, bye])
export const down = v.variant('t', [
  downHello,
  downWait,
  downBase,
  downEntries,
  downHead,
  downRecall,
  need,
  blob,
  lack,
  ack,
  bye,
])
export type Up = v.InferOutput<typeof up>
export type Down = v.InferOutput<typeof down>
