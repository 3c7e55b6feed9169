/** The shell of the command line: what is understood, what is refused, and how both are said. */
import { describe, expect, test } from 'vitest'
import { define } from '../../cli/command.ts'
import { run } from '../../cli/run.ts'
import { Fault } from '../../schemas/fault.ts'
import { version } from '../../schemas/version.ts'
import { entries } from './commands.ts'
import { world } from './world.ts'

const words = (line: string) => line.split(' ').filter((word) => word)
async function call(line: string | readonly string[], more: Parameters<typeof world>[0] = {}) {
  const at = world(more)
  const code = await run(typeof line === 'string' ? words(line) : line, at, entries)
  return { code, out: at.out.text, err: at.err.text }
}

describe('U1: what is understood', () => {
  const nothing = { allow: [], 'no-watch': false, json: false, help: false }
  test.each<[string, object]>([
    ['master serve', nothing],
    ['master serve tower', { ...nothing, name: 'tower' }],
    ['master serve --port 0 --take local', { ...nothing, port: 0, take: 'local' }],
    ['master serve --port=17342', { ...nothing, port: 17342 }],
    ['master serve --allow 10.0.0.0/8 --allow ::1', { ...nothing, allow: ['10.0.0.0/8', '::1'] }],
    ['master serve --no-watch tower', { ...nothing, 'no-watch': true, name: 'tower' }],
    ['--json master serve', { ...nothing, json: true }],
    ['master --json serve', { ...nothing, json: true }],
    ['master serve --json tower', { ...nothing, json: true, name: 'tower' }],
    ['master serve -- --port', { ...nothing, name: '--port' }],
    ['master serve --fingerprint=a=b', { ...nothing, fingerprint: 'a=b' }],
    // What looks like a number, a yes or a key of every object stays the text it is.
    ['master serve 1e3', { ...nothing, name: '1e3' }],
    ['master serve 007', { ...nothing, name: '007' }],
    ['master serve true', { ...nothing, name: 'true' }],
    ['master serve --no-watch false', { ...nothing, 'no-watch': true, name: 'false' }],
    ['master serve --fingerprint 12345678901234567890', { ...nothing, fingerprint: '12345678901234567890' }],
    ['master serve __proto__', { ...nothing, name: '__proto__' }],
  ])('%s', async (line, expected) => {
    const { code, out, err } = await call(line)
    expect(err).toBe('')
    expect(JSON.parse(out)).toEqual(expected)
    expect(code).toBe(0)
  })

  test('arguments that must be there, and those that take the rest', async () => {
    expect(await call('resolve a')).toMatchObject({ code: 3, out: '{"path":"a","more":[]}\n' })
    expect(await call('resolve a b -- -c')).toMatchObject({ out: '{"path":"a","more":["b","-c"]}\n' })
  })
})

describe('U1: what is refused: exit 2 and one line', () => {
  test.each<[string, string]>([
    ['mastre serve', 'There is no command `mastre`; did you mean `master`? See `stemma --help`.'],
    [
      'master sevre',
      'There is no command `master sevre`; did you mean `master serve`? See `stemma master --help`.',
    ],
    ['STATUS', 'There is no command `STATUS`; did you mean `status`? See `stemma --help`.'],
    ['serve', 'There is no command `serve`; did you mean `master serve`? See `stemma --help`.'],
    ['evil', 'There is no command `evil`. See `stemma --help`.'],
    ['faul', 'There is no command `faul`; did you mean `fail`? See `stemma --help`.'],
    [
      'fail status',
      'There is no command `fail status`; did you mean `master status` or `status`? See `stemma fail --help`.',
    ],
    ['hiddn', 'There is no command `hiddn`. See `stemma --help`.'],
    ['--verison', '`stemma` has no option `--verison`; did you mean `--version`? See `stemma --help`.'],
    ['xyzzy', 'There is no command `xyzzy`. See `stemma --help`.'],
    ['master', '`stemma master` needs one of: serve, status. See `stemma master --help`.'],
    ['--bogus', '`stemma` has no option `--bogus`. See `stemma --help`.'],
    [
      'master serve --prot 1',
      '`stemma master serve` has no option `--prot`; did you mean `--port`? See `stemma master serve --help`.',
    ],
    ['master serve -p 1', '`stemma master serve` has no option `-p`. See `stemma master serve --help`.'],
    [
      'master serve --watch',
      '`stemma master serve` has no option `--watch`. See `stemma master serve --help`.',
    ],
    [
      'master serve --no-port',
      '`stemma master serve` has no option `--no-port`. See `stemma master serve --help`.',
    ],
    [
      'master serve --constructor',
      '`stemma master serve` has no option `--constructor`. See `stemma master serve --help`.',
    ],
    [
      'master serve --__proto__=1',
      '`stemma master serve` has no option `--__proto__`. See `stemma master serve --help`.',
    ],
    ['master serve -', '`stemma master serve` has no option `-`. See `stemma master serve --help`.'],
    [
      'master serve --port',
      'The option --port needs a value: --port PORT. See `stemma master serve --help`.',
    ],
    [
      'master serve --fingerprint=',
      'The option --fingerprint needs a value: --fingerprint FP. See `stemma master serve --help`.',
    ],
    [
      'master serve --port x',
      'The option --port needs a whole number from 0 to 65535. See `stemma master serve --help`.',
    ],
    [
      'master serve --port 70000',
      'The option --port needs a whole number from 0 to 65535. See `stemma master serve --help`.',
    ],
    [
      'master serve --port 1 --port 2',
      'The option --port is given more than once. See `stemma master serve --help`.',
    ],
    [
      'master serve --take mine',
      'The option --take must be one of canonical, local. See `stemma master serve --help`.',
    ],
    [
      'master serve --take locla',
      'The option --take must be one of canonical, local; did you mean `local`? See `stemma master serve --help`.',
    ],
    ['paint', '`stemma paint` needs COLOUR. See `stemma paint --help`.'],
    ['paint green', 'COLOUR must be one of red, blue. See `stemma paint --help`.'],
    ['paint bleu', 'COLOUR must be one of red, blue; did you mean `blue`? See `stemma paint --help`.'],
    ['master serve --no-watch=1', 'The option --no-watch takes no value. See `stemma master serve --help`.'],
    ['master serve a b', '`stemma master serve` has no use for `b`. See `stemma master serve --help`.'],
    ['resolve', '`stemma resolve` needs PATH. See `stemma resolve --help`.'],
  ])('%s', async (line, message) => {
    expect(await call(line)).toEqual({ code: 2, out: '', err: `error: ${message}\n` })
  })

  test('homes that lie in one another', async () => {
    const { code, err } = await call('status', { env: { STEMMA_HOME: '/a', CODEX_HOME: '/a/b' } })
    expect(code).toBe(2)
    expect(err).toContain('STEMMA_HOME (/a)')
  })
})

describe('U2: errors say what happened and what to do', () => {
  test('a fault: one sentence, one hint, its exit code, and nothing that moves the cursor', async () => {
    const { code, out, err } = await call('fail fault')
    expect({ code, out }).toEqual({ code: 5, out: '' })
    const lines = err.split('\n')
    expect(lines).toHaveLength(3)
    expect(lines[0]).toContain('No answer from \\u{202e}evil\\u{1b}[2J.')
    expect(lines[1]).toMatch(/^Check that the master runs/)
    // A terminal gets the same words, broken between them.
    const shown = (await call('fail fault', { columns: 40, env: { NO_COLOR: '1' } })).err
    for (const line of shown.split('\n')) expect(line.length).toBeLessThanOrEqual(40)
    expect(shown.split(/\s+/)).toEqual(err.split(/\s+/))
  })

  test('a refusal ends like a fault', async () => {
    expect(await call('fail refusal')).toMatchObject({
      code: 4,
      err: expect.stringMatching(/^error: The master showed another key\.\nIf you replaced/),
    })
  })

  test('a bug: a sentence and where to look; the stack only when asked for', async () => {
    const { code, err } = await call('fail bug')
    expect(code).toBe(1)
    expect(err).toMatch(/^error: stemma hit a bug: a stone in the shoe\.\n.*STEMMA_DEBUG=1.*\n$/)
    const debug = await call('fail bug', { env: { STEMMA_DEBUG: '1' } })
    expect(debug.err).toMatch(/\n {4}at .*commands\.ts/)
    expect(debug.err).toContain('\ncaused by:\nError: a pebble\n')
  })

  test.each<[string, number, object]>([
    [
      'fail fault --json',
      5,
      { code: 'unreachable', message: 'No answer from \u202eevil\u001b[2J.', facts: { host: 'evil\u202e' } },
    ],
    ['--json fail refusal', 4, { code: 'pin-mismatch', facts: { old: 'a', new: 'b' } }],
    ['fail bug --json', 1, { code: 'bug', facts: {} }],
    ['fial --json', 2, { code: 'usage', hint: 'See `stemma --help`.' }],
    ['status --jsn --json', 2, { code: 'usage' }],
    ['master serve --port --json', 2, { code: 'usage' }],
  ])('%s: one object on standard output, nothing else', async (line, code, error) => {
    const said = await call(line)
    expect(said.code).toBe(code)
    expect(said.err).toBe('')
    expect(said.out).toMatch(/^[^\n]*\n$/)
    expect(said.out).not.toMatch(/[\u202e\u001b]/)
    const parsed = JSON.parse(said.out)
    expect(Object.keys(parsed.error)).toEqual(['code', 'message', 'hint', 'facts'])
    expect(parsed.error).toMatchObject(error)
  })

  test('an interrupted command says so', async () => {
    const at = world()
    const waits = define({
      args: [],
      options: {},
      examples: [],
      run: async ({ signal }) => {
        signal.throwIfAborted()
        return 0
      },
    })
    const signal = AbortSignal.abort(new Fault('interrupted', 'Stopped by SIGINT.'))
    const entry = { path: 'wait', summary: 'Waits', load: async () => waits }
    expect(await run(['wait'], { ...at, signal }, [entry])).toBe(1)
    expect(at.err.text).toMatch(/^error: Stopped by SIGINT\.\n/)
  })
})

describe('U1: help and version', () => {
  test.each(['', '--help', '-h', 'help', '--json --help'])('`stemma %s` lists all commands', async (line) => {
    const { code, out, err } = await call(line)
    expect({ code, err }).toEqual({ code: 0, err: '' })
    for (const { path, summary } of entries.filter(({ hidden }) => !hidden)) {
      expect(out).toContain(path)
      expect(out).toContain(summary.split(' ')[0])
    }
    for (const row of out.split('\n')) expect(row.length).toBeLessThanOrEqual(80)
  })

  test.each(['master serve --help', 'master serve -h', 'help master serve', 'master serve --bogus --help'])(
    '`stemma %s` explains one, with options and examples',
    async (line) => {
      const { code, out } = await call(line)
      expect(code).toBe(0)
      expect(out.split('\n')).toEqual([
        'Publish every change of this Codex home to its followers.',
        '',
        'Usage',
        '  stemma master serve [NAME] [options]',
        '',
        'Serves until it is stopped.',
        '',
        'Options',
        '  --port PORT             Listen on this port; 0 takes a free one',
        '  --allow CIDR            Let peers outside the tailnet in, such as',
        '                          192.168.0.0/16; may be given more than once',
        '  --no-watch              Publish only when told to',
        '  --take canonical|local  Whose version counts',
        '  --fingerprint FP        The fingerprint of the master',
        '  --json                  one JSON object on standard output, nothing else',
        '  -h, --help              this text',
        '',
        'Examples',
        '  stemma master serve --port 0',
        '  stemma master serve --allow 192.168.0.0/16',
        '',
      ])
    },
  )

  test('a group explains its own commands', async () => {
    const { code, out } = await call('master --help')
    expect(code).toBe(0)
    expect(out).toContain('master serve')
    expect(out).not.toContain('resolve')
  })

  test('help needs no homes, and an unknown command has none', async () => {
    expect((await call('help', { env: { STEMMA_HOME: '/a', CODEX_HOME: '/a' } })).code).toBe(0)
    expect((await call('help mastr')).code).toBe(2)
  })

  test.each(['--version', '-v'])('%s', async (line) => {
    expect(await call(line)).toEqual({ code: 0, out: `${version}\n`, err: '' })
    expect((await call(`${line} --json`)).out).toBe(`{"version":"${version}"}\n`)
  })
})
