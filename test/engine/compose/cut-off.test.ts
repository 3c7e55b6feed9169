/** An apply that was cut off, and Codex at work before it is finished (S37, S43). */
import { expect, test } from 'vitest'
import { strikesOf } from '../../sim/slice.ts'
import { at, keeperOf, openFollower, sync, World } from '../machines.ts'

const textOf = (model: string) =>
  `# Canonical\nmodel = "${model}"\n\n[mcp_servers.docs]\ncommand = "${model}"\n`
const trust = '\n[projects."/srv/a"]\ntrust_level = "trusted"\n'

test.each(['join', 'sync'])(
  'a %s that is killed at any call, then Codex and the master move on',
  async (which) => {
    const world = await World.make({ 'config.toml': textOf('one') })
    const machine = await world.join(2)
    if (which === 'sync') {
      await machine.keeper.apply()
      await world.publish({ 'config.toml': textOf('two') })
      await world.sync(machine)
    }
    const prepared = machine.disk.settled()
    await world.publish({ 'config.toml': textOf('three') })
    const probe = prepared.clone()
    const probing = await openFollower(probe, machine.ports)
    const before = probe.calls
    await keeperOf(probe, machine.ports, probing).apply()
    const trace = [...probe.trace]
    expect(trace.length - before).toBeGreaterThan(50)
    let conflicts = 0
    for (const call of strikesOf(trace, 'crash-after', before)) {
      const disk = prepared.clone()
      const follower = await openFollower(disk, machine.ports)
      disk.failAt(call, 'crash-after')
      await keeperOf(disk, machine.ports, follower)
        .apply()
        .catch(() => null)
      expect(disk.calls >= call).toBe(call <= trace.length)
      await follower.close().catch(() => null)
      const next = disk.restart()
      const text = next.peek(at('config.toml'))?.toString()
      if (text !== undefined) {
        // As Codex writes: a new file in the place of the old one.
        await next.unlink(at('config.toml'))
        next.plantFile(at('config.toml'), `${text}${trust}`, 0o600)
      }
      const again = await openFollower(next, machine.ports)
      expect(await sync(world.master, again)).toBe(null)
      const { inner } = await keeperOf(next, machine.ports, again).apply()
      // Of a new file nobody can tell whether it came from us: then it is the machine's own, and kept.
      if (inner.length > 0) {
        expect(new Set(inner.map(({ kind }) => kind)), `call ${call}`).toEqual(new Set(['exists']))
        conflicts++
        continue
      }
      const wanted = text === undefined ? textOf('three') : `${textOf('three')}${trust}`
      expect(next.peek(at('config.toml'))?.toString(), `call ${call}`).toBe(wanted)
    }
    if (which === 'sync') expect(conflicts).toBe(0)
  },
)
