/** What needs no Codex to be shown; that the hashes are Codex's own is shown in `test/e2e/hook.test.ts`. */
import { describe, expect, test } from 'vitest'
import { compactJson, hookKey, listHooks, readHooksFile } from '../../../engine/codex/hook.ts'

const handler = { type: 'command', command: '/bin/true' }
const fileOf = (hooks: unknown) => readHooksFile(JSON.stringify({ hooks }), 'linux')

describe('S50: hooks of a declaration', () => {
  test('places count what is skipped, and keys name event, group and handler', () => {
    const { hooks } = fileOf({
      SessionStart: [
        { hooks: [] },
        { matcher: 'startup', hooks: [{ type: 'prompt' }, { type: 'command', command: ' ' }, handler] },
      ],
    })
    expect(hooks).toMatchObject([{ event: 'SessionStart', group: 1, handler: 2, command: '/bin/true' }])
    expect(hooks.map((hook) => hookKey('/h/hooks.json', hook))).toEqual(['/h/hooks.json:session_start:1:2'])
  })

  test('golden: the hash of the plainest hook', () => {
    expect(fileOf({ SessionStart: [{ hooks: [handler] }] }).hooks[0]?.hash).toBe(
      'sha256:82903ea5f1d8e24884f563a15e3b222403cfc58863b7710c540eb2d8b99d5329',
    )
  })

  test('a default that is spelled out changes nothing', () => {
    const hashOf = (more: object) => fileOf({ Stop: [{ hooks: [{ ...handler, ...more }] }] }).hooks[0]?.hash
    const plain = hashOf({})
    expect(hashOf({ timeout: 600, async: false, statusMessage: null, unknown: 1 })).toBe(plain)
    expect(hashOf({ timeout: 601 })).not.toBe(plain)
    expect(hashOf({ statusMessage: '' })).not.toBe(plain)
    expect(hashOf({ async: true })).not.toBe(plain)
  })

  test('commandWindows is the command on Windows, and nothing elsewhere', () => {
    const declared = { SessionStart: [{ hooks: [{ ...handler, commandWindows: 'x.exe' }] }] }
    expect(listHooks(declared, 'win32').hooks[0]?.command).toBe('x.exe')
    expect(listHooks(declared, 'linux').hooks).toEqual(fileOf({ SessionStart: [{ hooks: [handler] }] }).hooks)
  })

  test('what voids a file for Codex voids it here, with the place', () => {
    const voided = [
      [{ SessionStart: [{ hooks: [{ type: 'later', command: 'x' }] }] }, 'hooks.SessionStart.0.hooks.0.type'],
      [{ SessionStart: [{ hooks: [{ type: 'command' }] }] }, 'hooks.SessionStart.0.hooks.0.command'],
      [{ SessionStart: [{ hooks: [{ ...handler, timeout: '3' }] }] }, 'hooks.SessionStart.0.hooks.0.timeout'],
      [{ SessionStart: [{ matcher: 3, hooks: [] }] }, 'hooks.SessionStart.0.matcher'],
    ] as const
    for (const [hooks, place] of voided) {
      const read = fileOf(hooks)
      expect(read.hooks).toEqual([])
      expect(read.fault).toContain(place)
    }
    expect(readHooksFile('{"hooks":{},"version":1}', 'linux').fault).toContain('version')
    expect(readHooksFile('\ufeff{}', 'linux').fault).toBe('it is not JSON')
    expect(readHooksFile('', 'linux').fault).toBe('it is not JSON')
  })

  test('config.toml: state and unknown events are passed over', () => {
    const table = { state: { 'a:b': { trusted_hash: 'x' } }, Later: 3, Stop: [{ hooks: [handler] }] }
    expect(listHooks(table, 'linux')).toMatchObject({ fault: null, hooks: [{ event: 'Stop' }] })
    const exact = {
      Stop: [
        {
          hooks: [
            { ...handler, timeout: 3n },
            { type: 'mcp_tool', server: 's', tool: 't', input: { n: 2n } },
          ],
        },
      ],
    }
    const plain = {
      Stop: [
        {
          hooks: [
            { ...handler, timeout: 3 },
            { type: 'mcp_tool', server: 's', tool: 't', input: { n: 2 } },
          ],
        },
      ],
    }
    expect(listHooks(exact, 'linux')).toEqual(listHooks(plain, 'linux'))
    expect(listHooks(undefined, 'linux')).toEqual({ hooks: [], fault: null })
  })
})

test('compact JSON: byte order of keys, at every level, integers first or not', () => {
  expect(compactJson({ b: [{ z: null, a: true }], 10: 'é\u2028\n', 9: 1, '\u{1f600}': 2, '\uffff': 3 })).toBe(
    '{"10":"é\u2028\\n","9":1,"b":[{"a":true,"z":null}],"\uffff":3,"\u{1f600}":2}',
  )
})
