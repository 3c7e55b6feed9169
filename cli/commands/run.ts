/** `run`: brings the home up to date, then Codex takes this command's place (N11). */
import { exitCodes } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'
import { hookScript, mainScript } from '../built.ts'
import { define } from '../command.ts'
import type { Context } from '../context.ts'
import { isAlive } from '../hook/alive.ts'
import { freshen } from '../hook/freshen.ts'
import { startJob } from '../hook/start.ts'
import { thisPlatform } from '../name.ts'
import { windowsCodex } from '../shim/find.ts'
import { leadScript } from '../shim/script.ts'

export const command = define({
  args: ['[ARGS...]'],
  known: { ARGS: 'files' },
  options: {},
  answers: false,
  about: [
    'Everything after `--` goes to Codex as it is. What the master has newer counts in this very session.',
    'It takes two seconds at most, and next to nothing when nothing is new or the master is away.',
  ],
  examples: ['run', "run -- exec 'Say hello.'", 'run -- resume --last'],
  async run(context, args) {
    const { env } = context
    await Promise.race([bringNews(context), stopped(context.signal)])
    if (thisPlatform() !== 'win32') await context.become('/bin/sh', ['-c', leadScript(), 'codex', ...args])
    const codex = await windowsCodex(await context.openDisk(), env['PATH'] ?? env['Path'] ?? '')
    if (codex === null) throw new Fault('codex-missing', 'There is no codex on PATH.')
    await context.become(codex.file, [...codex.args, ...args])
    return exitCodes.done
  },
})

/** Codex starts whatever happens here: what is wrong is told by `stemma status` and the next sync. */
async function bringNews(context: Context): Promise<void> {
  const { homes, clock, env, pid } = context
  try {
    const disk = await context.openDisk()
    const { stemmaHome } = homes
    await freshen({ disk, clock, stemmaHome, pid, isAlive }, 'before', async (job) =>
      startJob({ main: mainScript, hook: hookScript, env, ...homes, ended: null }, job),
    )
  } catch (error) {
    if (!(error instanceof Fault)) throw error
  }
}

const stopped = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
