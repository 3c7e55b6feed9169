/** Frames that no honest end sends, and that `ws` would not send for us. Each ends a wire with the code `protocol`. */
import { controlFramesMax, fragmentsMax, frameBytesMax } from '../../../schemas/limits.ts'
import { binary, close, continuation, frame, ping, pong, text } from './siege.ts'

type Options = NonNullable<Parameters<typeof frame>[2]>

/** @param by who sends them: a follower masks what it sends, a master does not. */
export function forged(by: 'follower' | 'master'): [name: string, bytes: Buffer][] {
  const masked = by === 'follower'
  const one = (opcode: number, payload: Uint8Array, more: Options = {}) =>
    frame(opcode, payload, { masked, ...more })
  const many = (count: number, make: (n: number) => Buffer) =>
    Buffer.concat(Array.from({ length: count }, (_, n) => make(n)))
  /** The n-th piece of a frame that never ends. */
  const piece = (n: number, payload: Uint8Array) =>
    one(n === 0 ? binary : continuation, payload, { fin: false })
  const status = (code: number, why: Uint8Array = Buffer.alloc(0)) =>
    one(close, Buffer.concat([Buffer.from([code >> 8, code & 255]), why]))
  return [
    ['text', one(text, Buffer.from('hello'))],
    [
      'text in pieces',
      Buffer.concat([one(text, Buffer.from('h'), { fin: false }), one(continuation, Buffer.from('i'))]),
    ],
    ['a frame too large', one(binary, Buffer.alloc(10), { length: frameBytesMax + 1 })],
    ['a frame of 2^60 bytes', one(binary, Buffer.alloc(10), { length: 2 ** 60 })],
    ['a frame of 2^53 bytes and nothing behind it', one(binary, Buffer.alloc(0), { length: 2 ** 53 })],
    ['fragments of one byte', many(fragmentsMax + 1, (n) => piece(n, Buffer.from('x')))],
    ['empty fragments', many(1000, (n) => piece(n, Buffer.alloc(0)))],
    ['fragments that add up', many(6, (n) => piece(n, Buffer.alloc(frameBytesMax / 4)))],
    ['a frame within another', Buffer.concat([piece(0, Buffer.alloc(3)), one(binary, Buffer.alloc(3))])],
    ['a compressed frame', one(binary, Buffer.alloc(10), { rsv: 4 })],
    [
      'a compressed piece',
      Buffer.concat([piece(0, Buffer.alloc(3)), one(continuation, Buffer.alloc(3), { rsv: 4 })]),
    ],
    ['a reserved bit', one(binary, Buffer.alloc(10), { rsv: 1 })],
    ['the other reserved bit', one(ping, Buffer.alloc(10), { rsv: 2 })],
    ['an unknown opcode', one(3, Buffer.alloc(10))],
    ['an unknown control opcode', one(15, Buffer.alloc(10))],
    ['a continuation of nothing', one(continuation, Buffer.alloc(10))],
    ['a long ping', one(ping, Buffer.alloc(126))],
    ['a ping of 2^60 bytes', one(ping, Buffer.alloc(0), { length: 2 ** 60 })],
    ['a ping in pieces', one(ping, Buffer.alloc(3), { fin: false })],
    ['a close in pieces', one(close, Buffer.alloc(3), { fin: false })],
    [
      masked ? 'a frame without mask' : 'a frame with a mask',
      frame(binary, Buffer.of(0), { masked: !masked }),
    ],
    ['a flood of pings', many(controlFramesMax + 1, () => one(ping, Buffer.alloc(125)))],
    ['a flood of pongs', many(controlFramesMax + 1, () => one(pong, Buffer.alloc(125)))],
    [
      'a flood of pings within a frame',
      Buffer.concat([piece(0, Buffer.of(1)), many(controlFramesMax + 1, () => one(ping, Buffer.alloc(0)))]),
    ],
    ['a close of one byte', one(close, Buffer.of(3))],
    ...[0, 999, 1004, 1005, 1006, 1015, 2999, 5000, 65_535].map((code): [string, Buffer] => [
      `a close with the status ${code}`,
      status(code),
    ]),
    ['a close with a reason that is not UTF-8', status(4000, Buffer.from([0xff, 0xfe]))],
  ]
}
