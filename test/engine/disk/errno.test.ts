/** The table from errno to code, and the order of names. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byteOrder, diskFault, errnoOf } from '../../../engine/disk/errno.ts'
import type { Code } from '../../../schemas/code.ts'
import { Fault } from '../../../schemas/fault.ts'

const table: Readonly<Record<string, readonly string[]>> = {
  'disk-full': ['ENOSPC', 'EDQUOT'],
  'disk-denied': [
    ...[
      'EACCES',
      'EPERM',
      'EROFS',
      'ELOOP',
      'EISDIR',
      'EEXIST',
      'ENOTEMPTY',
      'ENXIO',
      'EOPNOTSUPP',
      'ENOTSUP',
    ],
    ...['ENOSYS', 'EINVAL', 'EXDEV', 'EMLINK', 'ENAMETOOLONG'],
  ],
  'disk-busy': ['EBUSY', 'ETXTBSY', 'EMFILE', 'ENFILE'],
  'disk-missing': ['ENOENT', 'ENOTDIR'],
  'disk-io': ['EIO', 'ESTALE', 'EBADF', 'ENOTRECOVERABLE', 'UNKNOWN', 'toString'],
} satisfies Partial<Record<Code, readonly string[]>>

for (const [code, errnos] of Object.entries(table))
  test(`U2: ${errnos.join(', ')} mean ${code}, in a sentence with path and reason`, () => {
    for (const errno of errnos) {
      const cause = new Error(errno)
      const fault = diskFault(errno, 'rename', '/home/x', cause)
      expect([fault.code, fault.facts, fault.cause]).toEqual([
        code,
        { errno, path: '/home/x', call: 'rename' },
        cause,
      ])
      expect(fault.message).toMatch(/^Cannot rename \/home\/x: .{8,}\.$/)
      expect(errnoOf(fault)).toBe(errno)
    }
  })

test('errnoOf knows only disk faults', () => {
  for (const other of [null, 'ENOENT', new Error('ENOENT'), { errno: 'ENOENT' }, new Fault('usage', 'x')])
    expect(errnoOf(other)).toBeNull()
})

test('byteOrder is the order of the UTF-8 bytes', () => {
  const name = fc.string({
    unit: fc.constantFrom('a', 'b', 'é', '\uffff', '\ue000', '\u{10000}', '\u{1f600}'),
  })
  const sign = (a: string, b: string) => Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))
  fc.assert(fc.property(name, name, (a, b) => Math.sign(byteOrder(a, b)) === sign(a, b)))
})
