/** A process for the tests of the command line: what it prints is kept, and its terminal is as wide as wanted. */
import type { World } from '../../cli/context.ts'
import { Line } from '../../cli/ui/line.ts'
import type { Sink } from '../../cli/ui/writer.ts'

export type Screen = Sink & { readonly text: string; readonly lines: readonly string[] }

export function screen(terminal: { columns?: number } | null = null): Screen {
  let text = ''
  return {
    write: (more) => {
      text += more
    },
    isTerminal: terminal !== null,
    columns: terminal?.columns,
    get text() {
      return text
    },
    get lines() {
      return text.split('\n').slice(0, -1)
    },
  }
}

export type TestWorld = World & { readonly out: Screen; readonly err: Screen }

export function world(more: Partial<Pick<World, 'env' | 'signal'>> & { columns?: number } = {}): TestWorld {
  const { columns, ...rest } = more
  const terminal = columns === undefined ? null : { columns }
  const err = screen(terminal)
  return {
    env: {},
    homeDir: '/home/u',
    cwd: '/',
    pid: 1,
    uid: 1000,
    ask: async () => null,
    become: async (file) => {
      throw new Error(`nothing becomes ${file} in this world`)
    },
    signal: new AbortController().signal,
    ...rest,
    out: screen(terminal),
    err,
    line: new Line(err, rest.env ?? {}),
  }
}
