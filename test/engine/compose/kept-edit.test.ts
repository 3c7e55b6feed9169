/**
 * S37, S39: what a user changes in config.toml right after an apply was cut off stays an edit of theirs, also where it
 * says what was canonical before: no record makes it look as if nobody had touched the file.
 */
import { expect, test } from 'vitest'
import { strikesOf } from '../../sim/slice.ts'
import { at, keeperOf, openFollower, sync, World } from '../machines.ts'

const server = '\n[mcp_servers.extra]\ncommand = "extra"\n'
const first = 'model = "one"\napproval_policy = "on-request"\n'
const second = `${first.replace('one', 'two')}${server}`
const trust = '\n[projects."/srv/a"]\ntrust_level = "trusted"\n'

const edits = [
  {
    name: 'a value put back',
    edit: (text: string) => text.replace('"two"', '"one"'),
    stays: (text: string) => text.includes('model = "one"'),
  },
  {
    name: 'a server taken out',
    edit: (text: string) => text.replace(server, ''),
    stays: (text: string) => !text.includes('extra'),
  },
  {
    name: 'a server taken out, and Codex writes',
    edit: (text: string) => text.replace(server, '') + trust,
    stays: (text: string) => !text.includes('extra') && text.includes('[projects."/srv/a"]'),
  },
] as const

test.each(
  edits.flatMap((one) => [
    { ...one, moves: false },
    { ...one, moves: true },
  ]),
)('$name, and the master moves on: $moves', async ({ edit, stays, moves }) => {
  const world = await World.make({ 'config.toml': first })
  const machine = await world.join(2)
  await machine.keeper.apply()
  await world.publish({ 'config.toml': second })
  await world.sync(machine)
  const prepared = machine.disk.settled()
  if (moves) await world.publish({ 'config.toml': `${second}\n[features]\nnews = true\n` })
  const probe = prepared.clone()
  const probing = await openFollower(probe, machine.ports)
  const before = probe.calls
  await keeperOf(probe, machine.ports, probing).apply()
  let put = 0
  for (const call of strikesOf(probe.trace, 'crash-after', before)) {
    const disk = prepared.clone()
    disk.failAt(call, 'crash-after')
    const follower = await openFollower(disk, machine.ports)
    await keeperOf(disk, machine.ports, follower)
      .apply()
      .catch(() => null)
    const next = disk.restart()
    const text = next.peek(at('config.toml'))?.toString()
    if (text !== second) continue
    put++
    await next.unlink(at('config.toml'))
    next.plantFile(at('config.toml'), edit(text), 0o600)
    const again = await openFollower(next, machine.ports)
    expect(await sync(world.master, again)).toBe(null)
    const { inner } = await keeperOf(next, machine.ports, again).apply()
    const now = next.peek(at('config.toml'))?.toString() ?? ''
    expect(stays(now), `cut off after call ${call}:\n${now}`).toBe(true)
    expect(inner.length, `told, after call ${call}`).toBe(1)
  }
  expect(put).toBeGreaterThan(3)
})
