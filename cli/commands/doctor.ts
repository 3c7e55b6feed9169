/** `doctor`: what is wrong with this machine's set-up, what it means, and what to do. */

import { exitCodes } from '../../schemas/code.ts'
import { doctorRoundsMax } from '../../schemas/limits-cli.ts'
import { define, flag } from '../command.ts'
import { judge } from '../doctor/judge.ts'
import { look } from '../doctor/look.ts'
import { type Mended, mend, type Unmended } from '../doctor/mend.ts'
import { tellReport } from '../doctor/tell.ts'

export const command = define({
  args: [],
  options: {
    fix: flag(
      'mend what is safe to mend: modes, leftovers, hook, shim, launcher, contents, an apply that was cut off',
    ),
  },
  about: [
    'Looks at the session hook, the config, the service and the link, at keys, log and contents, at the disk, Codex and ' +
      'the shim. It only reads, unless --fix is given; a process at work is not disturbed.',
    'Exits with 0 when there are no faults (warnings may be), else with 1.',
  ],
  examples: ['doctor', 'doctor --fix', 'doctor --json'],
  async run(context, _args, options) {
    let facts = await look(context)
    let findings = judge(facts)
    const mended: Mended[] = []
    let unmended: readonly Unmended[] = []
    for (let round = 0; options.fix && round < doctorRoundsMax; round++) {
      if (!findings.some(({ fixable }) => fixable)) break
      const done = await mend(context, facts, findings)
      mended.push(...done.mended)
      unmended = done.unmended
      if (done.mended.length === 0) break
      facts = await look(context)
      findings = judge(facts)
    }
    tellReport(context, { facts, findings, fixed: options.fix ? { mended, unmended } : null })
    return findings.some(({ level }) => level === 'fault') ? exitCodes.failed : exitCodes.done
  },
})
