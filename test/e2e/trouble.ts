/**
 * Machines in trouble: what they say is one sentence and what to do next, the same for people and for programs.
 */
import { expect } from 'vitest'
import { run } from '../../cli/run.ts'
import { type Code, codes } from '../../schemas/code.ts'
import { world } from '../cli/world.ts'
import { type CommandRun, type Machine, makeMachine, onLoopback } from './machine.ts'
import type { Server } from './server.ts'

const machines: Machine[] = []
export const make = (name: string, inside: readonly string[] = []): Machine => {
  const machine = makeMachine(name, inside)
  machines.push(machine)
  return machine
}
/** Takes away every machine that was made. */
export async function removeAll(): Promise<void> {
  for (const machine of machines.splice(0)) await machine.remove()
}

/**
 * The same commands of a machine in this very process, where many lines of words are tried: all of the command but
 * the start of its process, which a few of them show.
 */
export const inside = ({ stemmaHome, codexHome }: Machine): Pick<Machine, 'stemma'> => ({
  async stemma(...args) {
    const here = world({ env: { STEMMA_HOME: stemmaHome, CODEX_HOME: codexHome } })
    const code = await run(args, here)
    return {
      code,
      stdout: here.out.text,
      stderr: here.err.text,
      json: () => expect.unreachable('it is trouble'),
    }
  },
})

/**
 * Says it once for people and once for programs, and the same both times.
 * @param together where the two do not stand in each other's way
 */
export async function expectTrouble(
  machine: Pick<Machine, 'stemma'>,
  args: readonly string[],
  code: Code,
  together = false,
): Promise<string> {
  const telling = together ? machine.stemma(...args, '--json') : null
  const said = await machine.stemma(...args)
  const why = `stemma ${args.join(' ')}\n${said.stdout}${said.stderr}`
  expect(said.code, why).toBe(codes[code].exit)
  const lines = said.stderr.trimEnd().split('\n')
  // A slip in the command line has its hint on the same line.
  expect(lines.length, why).toBe(code === 'usage' ? 1 : 2)
  expect(lines[0], why).toMatch(/^error: [^\n]+[.?]/)
  if (code !== 'usage') expect(lines[1], why).toBe(codes[code].hint)
  expect(said.stderr, why).not.toMatch(/^\s+at |node:internal|Error:|undefined|\[object/m)
  expect(said.stdout, why).toBe('')
  const told = await (telling ?? machine.stemma(...args, '--json'))
  expect(told.code, told.stdout).toBe(codes[code].exit)
  expect(told.stderr, told.stderr).toBe('')
  const object = JSON.parse(told.stdout)
  expect(object, told.stdout).toEqual({
    error: { code, message: expect.any(String), hint: expect.any(String), facts: expect.any(Object) },
  })
  return object.error.message
}

export async function begin(machine: Machine): Promise<Server> {
  machine.write('AGENTS.md', 'first\n')
  const init = await machine.stemma('master', 'init')
  expect(init.code, init.stderr).toBe(0)
  return machine.serve(...onLoopback)
}
export const linkOf = async (machine: Machine): Promise<string> =>
  String((await machine.stemma('master', 'link', '--json')).json()['link'])
export function expectDone(run: CommandRun): void {
  expect(run.code, run.stderr + run.stdout).toBe(0)
}
/** Serves on a port that is known, as a master does that starts again. */
export const serveOn = (machine: Machine, port: number): Promise<Server> =>
  machine.start('master', 'serve', '--json', '--port', String(port), ...onLoopback)

/** A master and a follower that are made once a file: every test begins with the two as they were then. */
export class KeptPair {
  readonly master = makeMachine('master')
  readonly follower = makeMachine('follower')
  port = 0

  /** @param meet what the two do while the master serves for the first time. */
  async make(meet: () => Promise<void>): Promise<void> {
    const first = await begin(this.master)
    this.port = first.port
    await meet()
    await first.stop()
    for (const machine of [this.master, this.follower]) machine.keep()
  }

  /** As they were kept, and the master serves where it did. */
  async begin(): Promise<Server> {
    for (const machine of [this.master, this.follower]) await machine.back()
    return serveOn(this.master, this.port)
  }

  async remove(): Promise<void> {
    for (const machine of [this.master, this.follower]) await machine.remove()
  }
}
export const serveArgs = ['master', 'serve', '--port', '0', ...onLoopback]
