/** Two hosts with tailnet addresses, as on two real machines: nobody is named, and nobody else gets in. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Machine, makeMachine } from './machine.ts'
import { type Cable, type Host, type Knock, knock, layCable, namespacesMissing } from './netns.ts'
import type { Server } from './server.ts'

/** The addresses in 10.99.0.0/16 are on the same cable, but on no tailnet. */
const left: Host = { name: 'master', addresses: ['100.64.17.1', '10.99.17.1'] }
const right: Host = { name: 'follower', addresses: ['100.64.17.2', '10.99.17.2'] }
const [tailnetMaster = '', outsideMaster = ''] = left.addresses
const [tailnetFollower = '', outsideFollower = ''] = right.addresses

/** Turned away: not one handshake message left the master, at most the seven bytes of an alert in the clear. */
function expectRefused(knocked: Knock): void {
  expect(knocked).toMatchObject({ listening: true, handshake: false })
  expect(knocked.bytes).toBeLessThanOrEqual(7)
}

const missing = namespacesMissing()
const required = process.env['STEMMA_REQUIRE_NETNS'] === '1'
if (missing !== null && !required) process.stderr.write(`skipped: two hosts on a tailnet: ${missing}\n`)

describe.skipIf(missing !== null && !required)('two hosts on a tailnet', () => {
  const machines: Machine[] = []
  let cable: Cable
  let master: Machine
  let follower: Machine
  let server: Server

  const make = (host: Host): Machine => {
    const machine = makeMachine(host.name, cable.inside(host))
    machines.push(machine)
    return machine
  }
  beforeAll(async () => {
    expect(missing).toBeNull()
    cable = layCable(left, right)
    master = make(left)
    follower = make(right)
    master.write('AGENTS.md', 'over the tailnet\n')
    const init = await master.stemma('master', 'init')
    expect(init.code, init.stderr).toBe(0)
    server = await master.serve()
  })
  afterAll(async () => {
    for (const machine of machines) await machine.remove()
    cable?.remove()
  })

  test('S14, S15, S16: a follower joins by tailnet address alone, and the link names that address', async () => {
    const link = (await master.stemma('master', 'link', '--json')).json()
    expect(link['host']).toBe(tailnetMaster)
    const join = await follower.stemma('follower', 'join', String(link['link']), '--yes')
    expect(join.code, join.stderr).toBe(0)
    expect(follower.read('AGENTS.md')).toBe('over the tailnet\n')
  })

  test('S4: an edit crosses the cable', async () => {
    const before = Number((await master.stemma('status', '--json')).json()['seq'])
    master.write('AGENTS.md', 'once more\n')
    await server.event('published', (said) => Number(said['seq']) > before)
    const sync = await follower.stemma('sync')
    expect(sync.code, sync.stderr).toBe(0)
    expect(follower.read('AGENTS.md')).toBe('once more\n')
  })

  test('S15: a peer outside 100.64.0.0/10 is refused before TLS, whichever address it calls', async () => {
    const there = cable.inside(right)
    expect(await knock(there, tailnetMaster, server.port, tailnetFollower)).toMatchObject({ handshake: true })
    expectRefused(await knock(there, outsideMaster, server.port, outsideFollower))
    expectRefused(await knock(there, tailnetMaster, server.port, outsideFollower))
    expectRefused(await knock(there, outsideMaster, server.port, tailnetFollower))
  })

  test('S15: the own addresses of the master and its loopback are refused too', async () => {
    const here = cable.inside(left)
    expectRefused(await knock(here, tailnetMaster, server.port, tailnetMaster))
    expectRefused(await knock(here, '127.0.0.1', server.port, '127.0.0.1'))
  })

  test('S15: a join from outside the tailnet changes nothing', async () => {
    const outsider = make(right)
    const link = (await master.stemma('master', 'link', '--json')).json()
    const address = `wss://${outsideMaster}:${server.port}`
    const join = await outsider.stemma(
      'follower',
      'join',
      '--master',
      address,
      '--fingerprint',
      String(link['fingerprint']),
      '--yes',
    )
    expect(join.code, join.stderr).toBe(4)
    expect(join.stderr).not.toMatch(/^\s+at /m)
    expect(outsider.read('AGENTS.md')).toBeNull()
    expect((await master.stemma('master', 'followers', '--json')).json()['followers']).toHaveLength(1)
  })
})
