/** U4: what our own command lines name is read back as it was given. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { readHookCommand, readLauncher, readShim } from '../../../cli/doctor/words.ts'
import { launcherPlan } from '../../../cli/service/launcher.ts'
import { hookCommand } from '../../../cli/shim/command.ts'
import { shimScript } from '../../../cli/shim/script.ts'
import { plainService } from '../service/services.ts'

/** Paths as people have them: spaces, quotes, backslashes, percent signs, letters of any language. */
const part = fc
  .string({ minLength: 1, maxLength: 12 })
  .filter((text) => /^[^\0\n\r]+$/.test(text) && text.trim() !== '')
const posix = part.map((text) => `/home/${text}/x`)
const windows = part.filter((text) => !/["/\\]/.test(text)).map((text) => `C:\\Users\\${text}\\x`)

test('hook commands, on every system', () => {
  for (const [platform, path] of [
    ['linux', posix],
    ['darwin', posix],
    ['win32', windows],
  ] as const)
    fc.assert(
      fc.property(path, path, path, path, fc.boolean(), (node, script, stemmaHome, codexHome, behind) => {
        const command = hookCommand({ platform, node, script, args: ['work', stemmaHome, codexHome], behind })
        expect(readHookCommand(command)).toEqual({ node, script, moment: 'work', stemmaHome, codexHome })
      }),
      { seed: 169 },
    )
})

test('shims, on every system', () => {
  for (const [platform, path] of [
    ['linux', posix],
    ['win32', windows],
  ] as const)
    fc.assert(
      fc.property(path, path, (node, script) => {
        expect(readShim(shimScript({ platform, node, script, args: ['before', '/a', '/b'] }))).toEqual({
          node,
          script,
        })
      }),
      { seed: 169 },
    )
})

test('launchers, on every system', () => {
  for (const [system, path] of [
    ['linux', posix],
    ['darwin', posix],
    ['win32', windows],
  ] as const)
    fc.assert(
      fc.property(path, path, (node, script) => {
        const { text } = launcherPlan(plainService(system), { node, script })
        expect(readLauncher(text)).toEqual({ node, script })
      }),
      { seed: 169 },
    )
})

test('anything else is none of ours', () => {
  for (const command of [
    '',
    'true',
    '/bin/sh -c x',
    'node /x/stemma-hook.cjs work',
    "node '/x/stemma-hook.cjs",
  ])
    expect(readHookCommand(command)).toBeNull()
  for (const text of ['', '#!/bin/sh\n', 'if exist', '@echo off\r\n']) {
    expect(readShim(text)).toBeNull()
    expect(readLauncher(text)).toBeNull()
  }
})
