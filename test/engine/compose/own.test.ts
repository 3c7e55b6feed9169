/** Which commands of hooks are stemma's own: those that it writes or wrote, and none that only names its script. */
import { expect, test } from 'vitest'
import { hookCommand } from '../../../cli/shim/command.ts'
import { composeHooks, isOwnCommand, noHooks, publishedHooks } from '../../../engine/compose/hooks.ts'

test.each([
  'cp /srv/stemma-hook.cjs /backup/',
  'test -f /srv/stemma-hook.cjs',
  'cp /srv/stemma-hook.cjs endless/',
  'node /srv/stemma-hook.cjs.bak end',
  "grep -q '/srv/stemma-hook.cjs' hooks.json",
])('S3: a hook that only mentions our script stays: %s', (command) => {
  expect(isOwnCommand(command)).toBe(false)
  const groups = { SessionStart: [{ hooks: [{ type: 'command', command }] }] }
  const local = JSON.stringify({ hooks: groups })
  expect(composeHooks({ canonical: null, local, last: noHooks, own: null, take: null })).toMatchObject({
    text: local,
  })
  expect(publishedHooks(local)).toBe(local)
})

test.each([
  { platform: 'linux', node: '/usr/bin/node', script: '/srv/stemma-hook.cjs' },
  { platform: 'linux', node: "/it's/node", script: "/it's here/stemma-hook.cjs" },
  { platform: 'win32', node: 'C:\\node.exe', script: 'C:\\stemma-hook.cjs' },
  { platform: 'win32', node: 'C:\\node.exe', script: 'C:\\a b\\stemma-hook.cjs' },
] as const)('S50: what stemma writes is its own: $platform, $script', (of) => {
  for (const moment of ['before', 'start', 'work', 'end'])
    for (const behind of [true, false])
      expect(isOwnCommand(hookCommand({ ...of, args: [moment, '/a b', '/c'], behind }))).toBe(true)
  // As earlier versions wrote it.
  expect(isOwnCommand('/usr/bin/node /srv/stemma-hook.cjs end /h/.stemma /h/.codex')).toBe(true)
  const left = `/bin/sh -c '"$0" "$@" </dev/null >/dev/null 2>&1 &'`
  expect(isOwnCommand(`${left} /usr/bin/node '/a b/stemma-hook.cjs' work /h/.stemma /h/.codex`)).toBe(true)
})
