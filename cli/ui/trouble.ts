/**
 * What went wrong, said to people and to programs: one sentence, and below it what to do next.
 * Always holds: a stack is shown only when STEMMA_DEBUG asks for it; every way to fail has an exit code.
 */
import { codes, type ExitCode, exitCodes } from '../../schemas/code.ts'
import { Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import { red } from './paint.ts'
import type { Writer } from './writer.ts'

type Facts = Fault['facts']
export type Trouble = {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly facts: Facts
  readonly exit: ExitCode
}

export function toTrouble(error: unknown): Trouble {
  if (isRefusal(error)) return toTrouble(toFault(error))
  if (error instanceof Fault) {
    const { code, message, facts } = error
    return { code, message, hint: hintOf(error), facts, exit: codes[code].exit }
  }
  const message = error instanceof Error ? error.message : String(error)
  return {
    code: 'bug',
    message: `stemma hit a bug: ${message.replace(/^bug: /, '').replace(/\.$/, '')}.`,
    hint: 'Run it again with STEMMA_DEBUG=1 to see where, and report it. What was acknowledged is safe.',
    facts: {},
    exit: exitCodes.failed,
  }
}

/** A wrong command line knows which help is the right one. */
function hintOf(error: Fault): string {
  const help = error.facts['help']
  if (error.code !== 'usage' || typeof help !== 'string') return error.hint
  return help ? `See \`stemma ${help} --help\`.` : 'See `stemma --help`.'
}

/** With `json` the error is the one object on standard output. */
export function tellTrouble(
  error: unknown,
  { out, err, json, debug }: { out: Writer; err: Writer; json: boolean; debug: boolean },
): ExitCode {
  const { code, message, hint, facts, exit } = toTrouble(error)
  if (json) out.json({ error: { code, message, hint, facts } })
  // A slip in the command line is answered on one line, anything else has its next step below it.
  else if (code === 'usage') err.flow(0, red('error: '), message, ' ', hint)
  else {
    err.flow(0, red('error: '), message)
    err.flow(0, hint)
  }
  if (debug) for (const line of stackOf(error)) err.line(line)
  return exit
}

function stackOf(error: unknown): readonly string[] {
  if (!(error instanceof Error)) return []
  const own = (error.stack ?? error.message).split('\n')
  return error.cause === undefined ? own : [...own, 'caused by:', ...stackOf(error.cause)]
}
