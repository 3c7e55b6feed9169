/** Which machine `approve` and `revoke` mean: a stranger's name must not stand in for another's id. */
import { expect, test } from 'vitest'
import { findFollower } from '../../cli/master/find.ts'
import type { FollowerReport } from '../../schemas/report.ts'
import { type Hash, isHash } from '../../schemas/shape.ts'

function idOf(start: string): Hash {
  const id = start.padEnd(64, '0')
  if (!isHash(id)) throw new Error(id)
  return id
}
const row = (start: string, name: string): FollowerReport => ({
  id: idOf(start),
  name,
  platform: 'linux',
  state: 'waiting',
  enrolledMs: 0,
  address: null,
})
const honest = row('3f9a0c', 'laptop')

test('S14: by name, by the beginning of the id, by the whole id in any case', () => {
  const all = [honest, row('aaaa', 'desk')]
  expect(findFollower(all, 'laptop')).toBe(honest)
  expect(findFollower(all, honest.id.slice(0, 8))).toBe(honest)
  expect(findFollower(all, honest.id.toUpperCase())).toBe(honest)
  expect(() => findFollower([honest], '')).toThrow('No follower')
  expect(() => findFollower(all, 'phone')).toThrow(expect.objectContaining({ code: 'unknown-follower' }))
})

test('S14: a stranger that took the beginning of an id for its name is not let in by it', () => {
  const impostor = row('bbbb', honest.id.slice(0, 12))
  expect(() => findFollower([honest, impostor], honest.id.slice(0, 12))).toThrow('use the whole id')
  // A name has room for a whole id.
  const shameless = row('cccc', honest.id)
  expect(findFollower([shameless, honest], honest.id)).toBe(honest)
  expect(findFollower([shameless, honest], 'laptop')).toBe(honest)
})

test('S14: two of one name are told apart by the id alone', () => {
  const twin = row('dddd', 'laptop')
  expect(() => findFollower([honest, twin], 'laptop')).toThrow('2 followers are called laptop')
  expect(findFollower([honest, twin], twin.id)).toBe(twin)
})

test('S14: fewer than 8 characters of an id mean nobody, and the answer says why', () => {
  const all = [honest, row('aaaa', 'desk'), row('eeee', '3f9a0c')]
  expect(() => findFollower([honest], '3f9a0c0')).toThrow('3f9a0c0 is too short: give 8 characters of an id.')
  expect(() => findFollower([honest], 'd')).toThrow('No follower is called d.')
  // A whole name may be short, and then it is not mistaken for an id.
  expect(findFollower(all, '3f9a0c').name).toBe('3f9a0c')
  expect(findFollower(all, 'desk').name).toBe('desk')
})
