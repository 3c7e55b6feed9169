/** What is said of a service that is planned, installed or removed. */
import { type ExitCode, exitCodes } from '../../schemas/code.ts'
import type { Context } from '../context.ts'
import { bold, dim, yellow } from '../ui/paint.ts'
import type { Begun, Outline } from './install.ts'
import { commandOf, type Plan, type Role, type Service, type Step } from './service.ts'
import { spellWords } from './spell.ts'

/** Every file with its text, and every command; nothing is done. */
export function tellOutline({ out, json }: Context, service: Service, { plan, files, copy }: Outline): void {
  if (json) {
    out.json({
      service: plan.name,
      copy,
      files: files.map(({ mode, ...file }) => ({ ...file, mode: octal(mode) })),
      commands: stepsOf(plan).map(({ words }) => words),
    })
    return
  }
  if (copy) out.line(bold('Copied: '), copy.from, ' to ', copy.to)
  for (const { path, mode, encoding, text } of files) {
    out.line(bold('File: '), path, dim(` (mode ${octal(mode)}${encoding === 'utf8' ? '' : ', UTF-16'})`))
    for (const line of text.trimEnd().split(/\r?\n/)) out.line('  ', line)
    out.line()
  }
  out.line(bold('Commands'))
  for (const step of stepsOf(plan))
    out.line('  ', spellWords(service.system, step.words), step.mayFail ? dim('  (may fail)') : '')
}

const stepsOf = ({ isStoppedFirst, stop, start }: Plan): readonly Step[] =>
  isStoppedFirst ? [...stop, ...start] : start

const octal = (mode: number): string => mode.toString(8).padStart(4, '0')

/** @param linger null where it makes no difference, or is not known. */
export function tellInstalled(
  { out, json }: Context,
  { role, system }: Service,
  { plan, files }: Outline,
  { begun, linger }: { readonly begun: Begun; readonly linger: boolean | null },
): ExitCode {
  const exit = begun === 'down' ? exitCodes.failed : exitCodes.done
  if (json) {
    const paths = files.map(({ path }) => path)
    out.json({
      service: plan.name,
      installed: true,
      running: begun !== 'down',
      serving: begun === 'serving',
      files: paths,
      linger,
      logs: plan.logs,
    })
    return exit
  }
  const does = role === 'master' ? 'serve' : 'watch'
  const said = {
    serving: [` is installed and ${does}${role === 'master' ? 's' : 'es'}. It starts whenever you log in.`],
    starting: [
      ` is installed and runs; it will ${does} once it has looked at everything. It starts whenever you log in.`,
    ],
    down: [' is installed and was started, but ', yellow(`it does not ${does} yet`), '.'],
  }
  out.flow(0, bold(plan.name), ...said[begun])
  if (system === 'linux' && linger !== true)
    out.flow(
      0,
      `${linger === null ? 'It may end' : 'It ends'} when you log out: \`loginctl enable-linger\` keeps it running, from the start of the machine on.`,
    )
  out.flow(0, 'What it says: ', plan.logs)
  return exit
}

export function tellRemoved(
  { out, json }: Context,
  name: string,
  role: Role,
  {
    removed,
    told,
    kept,
  }: { readonly removed: boolean; readonly told: boolean; readonly kept: string | null },
): void {
  if (json) {
    out.json({ service: name, removed, told, kept })
    return
  }
  out.line(removed ? 'Removed: ' : 'There is none: ', name)
  if (removed && !told)
    out.flow(
      0,
      yellow('Its service manager could not be told. '),
      `If \`stemma ${commandOf[role].join(' ')}\` runs still, it ends with your session.`,
    )
  if (kept !== null)
    out.flow(
      0,
      kept,
      ' stays with the launcher: Codex starts the session hook out of it. `stemma hook uninstall` first, then this again.',
    )
}
