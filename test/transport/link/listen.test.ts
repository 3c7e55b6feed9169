import { once } from 'node:events'
import { createServer } from 'node:net'
import { networkInterfaces } from 'node:os'
import { expect, test } from 'vitest'
import { codes } from '../../../schemas/code.ts'
import { follower, openDoor, rulesOf } from './world.ts'

const hasIPv6 = Object.values(networkInterfaces()).some((all) => all?.some((one) => one.address === '::1'))

test('S16: by default both families are bound on one port', async () => {
  const door = await openDoor({ hosts: ['0.0.0.0', '::'], rules: rulesOf(['127.0.0.0/8', '::1']) })
  expect(door.listener.hosts).toEqual(hasIPv6 ? ['0.0.0.0', '::'] : ['0.0.0.0'])
  for (const host of hasIPv6 ? ['127.0.0.1', '::1', 'localhost'] : ['127.0.0.1', 'localhost']) {
    const coming = door.next()
    const near = await door.connect({ host })
    expect(['127.0.0.1', '::1']).toContain((await coming).peerAddress)
    near.close('gone', 'done')
    await near.closed
  }
  await door.listener.close()
})

test('S16: a port in use is said in one sentence, and nothing stays bound', async () => {
  const other = createServer()
  other.listen(0, '127.0.0.1')
  await once(other, 'listening')
  const address = other.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const { port } = address
  const failed = openDoor({ hosts: ['127.0.0.2', '127.0.0.1'], port })
  await expect(failed).rejects.toMatchObject({
    code: 'port-in-use',
    message: `Another program already listens at 127.0.0.1:${port}.`,
    facts: { host: '127.0.0.1', port, errno: 'EADDRINUSE' },
  })
  other.close()
  await once(other, 'close')
  const door = await openDoor({ hosts: ['127.0.0.2', '127.0.0.1'], port })
  expect(door.listener.port).toBe(port)
  await door.listener.close()
})

test('S16: an address of another machine, and a name that leads nowhere, are not available', async () => {
  for (const host of ['192.0.2.1', 'no-such-machine.invalid']) {
    await expect(openDoor({ hosts: [host] })).rejects.toMatchObject({
      code: 'address-unavailable',
      facts: { host },
    })
  }
  expect(codes['address-unavailable'].exit).toBe(1)
})

test('S22: closing says goodbye, waits for every socket and frees the port', async () => {
  const door = await openDoor()
  const coming = door.next()
  const near = await door.connect()
  const far = await coming
  await far.send(Buffer.from('last words'))
  await door.listener.close()
  expect(await near.receive()).toHaveLength(10)
  expect(await near.receive()).toBeNull()
  expect(await near.closed).toEqual({ code: 'gone', why: 'The master stops.' })
  await expect(door.connect()).rejects.toMatchObject({ code: 'unreachable' })
  const again = await openDoor({ port: door.listener.port })
  await again.listener.close()
})

test('S51: an abort during the upgrade ends the attempt', async () => {
  const abort = new AbortController()
  const reason = new Error('stop')
  const door = await openDoor({
    admit: () => {
      abort.abort(reason)
      return null
    },
  })
  await expect(door.connect({ signal: abort.signal, identity: follower })).rejects.toBe(reason)
  await door.listener.close()
})
