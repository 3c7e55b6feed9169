/**
 * Seeded damage to bytes: what a broken disk, a hostile peer or a bug could make of something that was sound.
 * Always holds: the same random sequence gives the same mutants; an original is never changed.
 */
import type { Random } from '../sim/random.ts'

/** Lead bytes and lengths at which decoders go wrong. */
const telling = [
  0, 1, 0x7f, 0x80, 0x8f, 0x90, 0x91, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc4, 0xc6, 0xc7, 0xc9, 0xca,
]
const wider = [0xcb, 0xcf, 0xd3, 0xd4, 0xd8, 0xd9, 0xda, 0xdb, 0xdc, 0xdd, 0xde, 0xdf, 0xe0, 0xfe, 0xff]
const bytes = [...telling, ...wider]

type Mutation = (from: Buffer, random: Random, other: Buffer) => Buffer

const splice = (from: Buffer, at: number, drop: number, put: Uint8Array): Buffer =>
  Buffer.concat([from.subarray(0, at), put, from.subarray(at + drop)])

const mutations: readonly Mutation[] = [
  // One bit, one byte, one telling byte.
  (from, random) => {
    const out = Buffer.from(from)
    const at = random.below(out.length)
    out[at] = (out[at] ?? 0) ^ (1 << random.below(8))
    return out
  },
  (from, random) => splice(from, random.below(from.length), 1, Buffer.of(random.below(256))),
  (from, random) =>
    splice(from, random.below(from.length), 1, Buffer.of(bytes[random.below(bytes.length)] ?? 0)),
  // Cut off, taken out, put in, said twice.
  (from, random) => from.subarray(0, random.below(from.length)),
  (from, random) => splice(from, random.below(from.length), 1 + random.below(8), Buffer.alloc(0)),
  (from, random) => splice(from, random.below(from.length), 0, random.bytes(1 + random.below(8))),
  (from, random) => {
    const at = random.below(from.length)
    const piece = from.subarray(at, at + 1 + random.below(32))
    return splice(from, random.below(from.length), 0, piece)
  },
  // A length that lies.
  (from, random) => {
    const lie = Buffer.alloc(4)
    lie.writeUInt32BE(random.chance(0.5) ? random.below(2 ** 32) : random.below(70_000))
    return splice(from, random.below(from.length), 4, lie)
  },
  // Half of one thing and half of another.
  (from, random, other) =>
    Buffer.concat([from.subarray(0, random.below(from.length)), other.subarray(random.below(other.length))]),
  // Wrapped once more.
  (from) => Buffer.concat([Buffer.of(0x91), from]),
]

/** A mutant of one of `corpus`, of up to four mutations. */
export function mutant(corpus: readonly Buffer[], random: Random): Buffer {
  const pick = (): Buffer => corpus[random.below(corpus.length)] ?? Buffer.alloc(1)
  let out = pick()
  for (let rounds = 1 + random.below(4); rounds > 0 && out.length > 0; rounds--)
    out = (mutations[random.below(mutations.length)] ?? ((from) => from))(out, random, pick())
  return out
}

/** How many cases a fuzz test runs: a slice in the normal suite, all of them in `npm run test:fuzz`. */
export const cases = (slice: number): number => Number(process.env['STEMMA_FUZZ_CASES'] ?? slice)
