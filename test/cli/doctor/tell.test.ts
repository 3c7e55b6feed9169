/** U4: what the doctor says, as people read it in a terminal and as programs do. */
import { expect, test } from 'vitest'
import type { Context } from '../../../cli/context.ts'
import { judge } from '../../../cli/doctor/judge.ts'
import { tellReport } from '../../../cli/doctor/tell.ts'
import { width } from '../../../cli/ui/text.ts'
import { makeWriter } from '../../../cli/ui/writer.ts'
import { screen } from '../world.ts'
import { follower, master } from './facts.ts'

const facts = {
  ...follower,
  codex: { file: '/usr/lib/node_modules/@openai/codex/bin/codex.js', version: '0.200.0', hasHome: true },
  survey: { owner: null, dead: ['/home/u/.stemma/run/w-000000000000000000000000.sock'] },
  config: [{ path: 'config.toml', why: 'The key model must be a string.' }],
}
function say(report: Parameters<typeof tellReport>[1], json: boolean, columns?: number) {
  const out = screen(columns === undefined ? null : { columns })
  const context: Pick<Context, 'out' | 'json'> = { out: makeWriter(out, { NO_COLOR: '1' }), json }
  tellReport(context, report)
  return out
}

test('a finding a line, below it what it means and what to do, in 80 columns', () => {
  const { lines } = say({ facts, findings: judge(facts), fixed: null }, false, 80)
  for (const line of lines) expect(width(line), line).toBeLessThanOrEqual(80)
  expect(lines).toEqual([
    'fault  Codex does not start with this config.toml.',
    '  config.toml: The key model must be a string.',
    '  Correct that line of the file.',
    '',
    'warning  This version of Codex is another one than stemma knows.',
    '  /usr/lib/node_modules/@openai/codex/bin/codex.js is 0.200.0. What Codex',
    '  accepts, and when it runs hooks, was found out with 0.169.',
    '  Look whether hooks run (`stemma hook status`), and for a newer stemma.',
    '',
    'warning  A process that was killed left its lock behind.',
    '  1 socket without a process:',
    '  /home/u/.stemma/run/w-000000000000000000000000.sock. It keeps nobody away.',
    '  `stemma doctor --fix` removes it, and so does the next command that works',
    '  there.',
    '',
    'This follower has 1 fault and 2 warnings.',
    '`stemma doctor --fix` mends 1 of them.',
  ])
})

test('what was mended, what could not be, and a machine that is sound', () => {
  const fixed = {
    mended: [{ id: 'stale-lock', did: 'Removed 1 lock of processes that are gone.' }],
    unmended: [{ id: 'leftovers', why: 'Cannot remove /x: permission is missing.' }],
  }
  expect(say({ facts, findings: [], fixed }, false, 80).lines).toEqual([
    'Mended: Removed 1 lock of processes that are gone.',
    'Could not be mended: Cannot remove /x: permission is missing.',
    '',
    'This follower is sound.',
  ])
  expect(say({ facts: master, findings: [], fixed: null }, false).text).toBe('This master is sound.\n')
  const [object = ''] = say({ facts, findings: judge(facts), fixed }, true).lines
  expect(JSON.parse(object)).toMatchObject({
    ...{ role: 'follower', sound: false, faults: 1, warnings: 2, ...fixed },
    findings: [{ id: 'config-refused', level: 'fault' }, { id: 'codex-unknown' }, { fixable: true }],
  })
})
