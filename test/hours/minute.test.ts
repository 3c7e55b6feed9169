/** A minute of real time: what a follower that watches looks at without being told. */
import { afterEach, beforeEach, expect, test } from 'vitest'
import { wholeLookEveryMs } from '../../schemas/limits.ts'
import { type Machine, makeMachine, onLoopback } from '../e2e/machine.ts'
import { until } from '../e2e/patience.ts'

let master: Machine
let follower: Machine
beforeEach(() => {
  master = makeMachine('master')
  follower = makeMachine('follower')
})
afterEach(async () => {
  await follower.remove()
  await master.remove()
})

test('S39: what a user changed beside what the master did is told a minute later', async () => {
  master.write('AGENTS.md', '1')
  master.write('skills/a.md', '1')
  expect((await master.stemma('master', 'init')).code).toBe(0)
  await master.start('master', 'serve', '--json', '--port', '0', ...onLoopback)
  const { link } = (await master.stemma('master', 'link', '--json')).json()
  expect((await follower.stemma('follower', 'join', String(link), '--yes', '--no-hook')).code).toBe(0)
  const watcher = await follower.start('follower', 'watch', '--json')
  follower.write('skills/a.md', 'mine')
  master.write('AGENTS.md', '2')
  await until('2', () => follower.read('AGENTS.md') === '2')
  const told = () => watcher.said.some(({ conflicts }) => conflicts === 1)
  await until('the conflict is told', told, wholeLookEveryMs + 30_000)
  expect(follower.read('skills/a.md')).toBe('mine')
})
