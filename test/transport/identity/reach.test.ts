/** U2: what went wrong at an address, and a cure that fits it. */
import { expect, test } from 'vitest'
import { codes } from '../../../schemas/code.ts'
import { connectFault, listenFault } from '../../../transport/identity/reach.ts'

const failed = (code: string) => Object.assign(new Error(code), { code })

test('U2: a port that only root may have: another port is the cure, not another address', () => {
  const fault = listenFault(failed('EACCES'), { host: '0.0.0.0', port: 80 })
  expect(fault).toMatchObject({ code: 'port-denied', message: 'This user may not listen at 0.0.0.0:80.' })
  expect(fault.hint).toContain('--port')
  expect(fault.hint).not.toContain('--host')
})

test.each(['ERR_SSL_WRONG_VERSION_NUMBER', 'EPROTO'])('U2: another server, by its %s', (code) => {
  const fault = connectFault(failed(code), { host: 'desk', port: 80 })
  expect(fault).toMatchObject({
    code: 'not-a-master',
    message: 'What answers at desk:80 is not a stemma master.',
  })
  // Which version of stemma it is says nothing there.
  expect(fault.hint).not.toBe(codes.protocol.hint)
})
