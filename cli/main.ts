#!/usr/bin/env node
/**
 * The command `stemma`: hands the process to `run` and ends it with the exit code.
 * Always holds: SIGINT and SIGTERM ask the command to stop, a second one ends it; a closed pipe is silent.
 */
import { homedir } from 'node:os'
import { createInterface } from 'node:readline'
import { exitCodes } from '../schemas/code.ts'
import { Fault } from '../schemas/fault.ts'
import { become } from './become.ts'
import { run } from './run.ts'
import { Line } from './ui/line.ts'
import { visible, wrap } from './ui/text.ts'
import { tellTrouble } from './ui/trouble.ts'
import { makeWriter, type Sink } from './ui/writer.ts'

// Standard input is not touched before somebody asks: it may be meant for Codex (`run`).
const { stdout, stderr, env } = process
const line = new Line(sinkOf(stderr), env)
const out = line.before(sinkOf(stdout))
const err = line.before(sinkOf(stderr))
const stop = new AbortController()

for (const name of ['SIGINT', 'SIGTERM'] as const) {
  process.on(name, () => {
    if (!stop.signal.aborted) return interrupt(name)
    line.clear()
    process.exit(exitCodes.failed)
  })
}
process.on('uncaughtException', fail).on('unhandledRejection', fail)
// The loop has nothing left to wait for, and the command has not ended.
process.on('beforeExit', () => fail(new Error('bug: the command waits for something that cannot come')))

await end(
  await run(process.argv.slice(2), {
    env,
    homeDir: homedir(),
    cwd: process.cwd(),
    out,
    err,
    line,
    pid: process.pid,
    uid: process.getuid?.() ?? null,
    signal: stop.signal,
    ask,
    become: (file, args) => {
      line.clear()
      return become(file, args, env)
    },
  }),
)

function interrupt(by: string): void {
  stop.abort(new Fault('interrupted', `Stopped by ${by}.`, { signal: by }))
}

function fail(error: unknown): void {
  const json = process.argv.includes('--json')
  const writers = { out: makeWriter(out, env), err: makeWriter(err, env) }
  void end(tellTrouble(error, { ...writers, json, debug: env['STEMMA_DEBUG'] === '1' }))
}

function sinkOf(stream: NodeJS.WriteStream): Sink {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    // `stemma followers | head`: the reader has what it wanted. Windows says EOF.
    if (error.code === 'EPIPE' || error.code === 'EOF') return
    // What cannot be said here can only be said on the other stream, once: trying again would fail again.
    if (stream === stdout) stderr.write(`error: The output could not be written (${error.code}).\n`)
    process.exit(exitCodes.failed)
  })
  return {
    write: (text) => void stream.write(text),
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.isTTY === true ? stream.columns : undefined
    },
  }
}

/** Room behind a question. */
const answerColumns = 12

/** The question goes to standard error: standard output belongs to the answer of the command. Enter alone is ''. */
async function ask(question: string): Promise<string | null> {
  const { stdin } = process
  if (!stdin.isTTY || !stderr.isTTY) return null
  stop.signal.throwIfAborted()
  line.clear()
  const lines = createInterface({ input: stdin, output: stderr })
  try {
    return await new Promise((resolve, reject) => {
      lines.once('SIGINT', () => interrupt('SIGINT'))
      lines.once('close', () => resolve(null))
      stop.signal.addEventListener('abort', () => reject(stop.signal.reason), { once: true })
      lines.question(
        `${wrap(visible(question), (stderr.columns ?? 80) - answerColumns).join('\n')} `,
        (answer) => resolve(answer.trim()),
      )
    })
  } finally {
    lines.close()
  }
}

/** Waits until both streams have taken what was written: a pipe may be slower than the command. */
async function end(code: number): Promise<never> {
  for (const stream of [stdout, stderr]) await new Promise<void>((done) => stream.write('', () => done()))
  process.exit(code)
}
