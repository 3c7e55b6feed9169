/** The way of an edit: a master's Codex home, a signed log, a follower's home, and the real Codex that reads it. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeCodex, runCodexExec, writeCodexConfig } from './codex.ts'
import { type Machine, makeMachine, onLoopback, skillText } from './machine.ts'
import { type FakeModel, startModel } from './model.ts'
import type { Server } from './server.ts'

describeCodex('the Codex of a follower', () => {
  const machines: Machine[] = []
  let model: FakeModel
  let master: Machine
  let follower: Machine
  let server: Server

  beforeAll(async () => {
    model = await startModel()
    master = makeMachine('master')
    machines.push(master)
    follower = makeMachine('follower')
    machines.push(follower)
    writeCodexConfig(follower.codexHome, model.baseUrl)
    master.write('AGENTS.md', 'Speak of the zebra crossing.\n')
    master.write('skills/quagga/SKILL.md', skillText('quagga', 'Draws a quagga in plain characters.'))
    const init = await master.stemma('master', 'init')
    expect(init.code, init.stderr).toBe(0)
    server = await master.serve(...onLoopback)
  })
  afterAll(async () => {
    for (const machine of machines) await machine.remove()
    await model.close()
  })

  /** What a session that starts now tells its model. */
  async function told(): Promise<string> {
    const before = model.requests.length
    const run = await runCodexExec({ home: follower.codexHome, prompt: 'Say hello.' })
    expect(run.code, run.stderr).toBe(0)
    expect(model.requests).toHaveLength(before + 1)
    return model.requests[before]?.text ?? ''
  }

  test('S17, S18, S40: after a join by link it reads the AGENTS.md and the skill of the master', async () => {
    expect(await told()).not.toContain('zebra')
    const link = (await master.stemma('master', 'link', '--json')).json()
    expect(link['port']).toBe(server.port)
    const join = await follower.stemma('follower', 'join', String(link['link']), '--yes')
    expect(join.code, join.stderr).toBe(0)
    const text = await told()
    expect(text).toContain('Speak of the zebra crossing.')
    expect(text).toContain('Draws a quagga in plain characters.')
  })

  test('S25, S26, S35: after an edit on the master and a sync it reads the new ones', async () => {
    const before = Number((await master.stemma('status', '--json')).json()['seq'])
    master.write('AGENTS.md', 'Speak of the heron by the weir.\n')
    master.write('skills/osprey/SKILL.md', skillText('osprey', 'Counts ospreys over a lake.'))
    // Two files are two entries; a scan between the two writes would publish them one after the other.
    await server.event('published', (said) => Number(said['seq']) >= before + 2)
    const sync = await follower.stemma('sync')
    expect(sync.code, sync.stderr).toBe(0)
    const text = await told()
    expect(text).toContain('Speak of the heron by the weir.')
    expect(text).toContain('Counts ospreys over a lake.')
    expect(text).toContain('Draws a quagga in plain characters.')
    expect(text).not.toContain('zebra')
  })

  test('S3, S38: what was on the follower before is still there, byte for byte', async () => {
    expect(follower.read('config.toml')).toContain(model.baseUrl)
    expect(await server.stop()).toBe(0)
  })
})
