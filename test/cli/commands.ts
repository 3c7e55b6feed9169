/** Commands for the tests: one of every kind of argument and option, and ways to end. */
import { choice, define, flag, text, texts, whole } from '../../cli/command.ts'
import type { Entry } from '../../cli/registry.ts'
import { Fault, refuse } from '../../schemas/fault.ts'

const entry = (path: string, summary: string, load: Entry['load']): Entry => ({ path, summary, load })

/** Prints what it was given. */
const serve = define({
  args: ['[NAME]'],
  options: {
    port: whole('PORT', 65_535, 'Listen on this port; 0 takes a free one'),
    allow: texts(
      'CIDR',
      'Let peers outside the tailnet in, such as 192.168.0.0/16; may be given more than once',
    ),
    'no-watch': flag('Publish only when told to'),
    take: choice(['canonical', 'local'], 'Whose version counts'),
    fingerprint: text('FP', 'The fingerprint of the master'),
  },
  about: ['Serves until it is stopped.'],
  examples: ['master serve --port 0', 'master serve --allow 192.168.0.0/16'],
  async run({ out }, [name], options) {
    const port: number | undefined = options.port
    const take: 'canonical' | 'local' | undefined = options.take
    out.json({ ...options, name, port, take })
    return 0
  },
})
const resolve = define({
  args: ['PATH', '[MORE...]'],
  options: {},
  examples: ['resolve AGENTS.md'],
  async run({ out }, [path, ...more]) {
    out.json({ path, more })
    return 3
  },
})
const paint = define({
  args: ['COLOUR'],
  options: {},
  known: { COLOUR: ['red', 'blue'] },
  examples: ['paint red'],
  async run({ out }, [colour]) {
    out.json({ colour })
    return 0
  },
})
const ends = (act: () => void) =>
  define({
    args: [],
    options: {},
    examples: [],
    async run() {
      act()
      return 0
    },
  })

/** Waits as a server does: until it is told to stop, which is no failure. */
const wait = define({
  args: [],
  options: {},
  examples: [],
  async run({ out, clock, signal }) {
    out.json({ event: 'waiting' })
    await clock.wait(60_000, signal).catch(() => {})
    out.json({ event: 'stopped', aborted: signal.aborted })
    return 0
  },
})
const ask = define({
  args: [],
  options: {},
  examples: [],
  async run({ out, ask }) {
    out.json({ answer: await ask('Which address?') })
    return 0
  },
})
const never = define({ args: [], options: {}, examples: [], run: () => new Promise(() => {}) })
const late = define({
  args: [],
  options: {},
  examples: [],
  run: () => {
    setTimeout(() => {
      throw new Error('thrown where nobody waits')
    }, 1)
    return new Promise(() => {})
  },
})

export const entries: readonly Entry[] = [
  entry('master serve', 'Publish every change of this Codex home to its followers', async () => serve),
  entry('master status', 'Say how this master is', async () => ends(() => {})),
  entry('status', 'Say how this machine is', async () => ends(() => {})),
  entry('resolve', 'Settle a conflict', async () => resolve),
  entry('paint', 'Take one of few words', async () => paint),
  { ...entry('hidden', 'Is for programs', async () => ends(() => {})), hidden: true },
  entry('wait', 'Serves until it is stopped', async () => wait),
  entry('ask', 'Asks a question', async () => ask),
  entry('fail never', 'Never ends', async () => never),
  entry('fail late', 'Fails where nobody waits', async () => late),
  entry('fail fault', 'Ends with a fault', async () =>
    ends(() => {
      throw new Fault('unreachable', 'No answer from \u202eevil\u001b[2J.', { host: 'evil\u202e' })
    }),
  ),
  entry('fail refusal', 'Ends with a refusal', async () =>
    ends(() => {
      throw refuse('pin-mismatch', 'The master showed another key.', { old: 'a', new: 'b' })
    }),
  ),
  entry('fail bug', 'Ends with a bug', async () =>
    ends(() => {
      throw new Error('bug: a stone in the shoe', { cause: new Error('a pebble') })
    }),
  ),
]
