/** What a flood of connections can make `master serve` print. */
import { expect, test } from 'vitest'
import { Herald } from '../../cli/master/herald.ts'
import { Warner } from '../../cli/master/warn.ts'
import { type Facts, Voice } from '../../cli/ui/voice.ts'
import { makeWriter } from '../../cli/ui/writer.ts'
import { heraldAddressesMax, heraldLinesMax, warningLinesMax } from '../../schemas/limits-cli.ts'
import { SimClock } from '../sim/clock.ts'

function makeHerald() {
  const clock = new SimClock()
  const said: Facts[] = []
  const herald = new Herald(clock, (facts) => said.push(facts))
  const refuse = (address: string) =>
    herald.tell(address, { event: 'refused', code: 'peer-refused' }, 'Refused.')
  return { clock, said, herald, refuse }
}

test('T12: one address has a few lines a minute, then a count', async () => {
  const { clock, said, refuse } = makeHerald()
  for (let n = 0; n < 1000; n++) refuse('10.0.0.1')
  refuse('10.0.0.2')
  expect(said).toHaveLength(heraldLinesMax + 1)
  expect(said[0]).toEqual({ event: 'refused', code: 'peer-refused', address: '10.0.0.1' })
  await clock.advance(60_000)
  expect(said.slice(heraldLinesMax + 1)).toEqual([
    { event: 'withheld', address: '10.0.0.1', lines: 1000 - heraldLinesMax },
  ])
  refuse('10.0.0.1')
  expect(said.at(-1)).toMatchObject({ event: 'refused', address: '10.0.0.1' })
})

test('T12: from any number of addresses the lines of a minute are bounded', async () => {
  const { clock, said, refuse } = makeHerald()
  const flood = 5000
  for (let n = 0; n < flood; n++) for (let more = 0; more < 10; more++) refuse(`10.0.${n >> 8}.${n & 255}`)
  await clock.advance(60_000)
  const plain = said.filter((facts) => facts['event'] === 'refused')
  const counts = said.filter((facts) => facts['event'] === 'withheld')
  expect(plain).toHaveLength(heraldAddressesMax * heraldLinesMax)
  expect(counts).toHaveLength(heraldAddressesMax + 1)
  const told = counts.reduce((sum, facts) => sum + Number(facts['lines']), plain.length)
  expect(told).toBe(flood * 10)
  expect(counts.at(-1)).toMatchObject({ address: null })
  expect(clock.waiting).toBe(0)
})

test('T12: what was counted is said at the end, too, and nothing when there was nothing', async () => {
  const { clock, said, herald, refuse } = makeHerald()
  for (let n = 0; n < heraldLinesMax + 2; n++) refuse('10.0.0.1')
  herald.close()
  expect(said.at(-1)).toEqual({ event: 'withheld', address: '10.0.0.1', lines: 2 })
  herald.close()
  refuse('10.0.0.1')
  const before = said.length
  await clock.advance(120_000)
  expect(said).toHaveLength(before)
  expect(clock.waiting).toBe(0)
})

test('S41: a warning of the scan is said once for as long as it lasts, and no more than a screen of them', () => {
  const said: Facts[] = []
  const warner = new Warner((facts) => said.push(facts))
  const warning = (path: string) => ({ kind: 'unfit', path, why: `${path} is not published.` })
  warner.tell([warning('config.toml')])
  warner.tell([warning('config.toml'), warning('hooks.json')])
  expect(said.map(({ path }) => path)).toEqual(['config.toml', 'hooks.json'])
  warner.tell([])
  warner.tell([warning('config.toml')])
  expect(said).toHaveLength(3)
  warner.tell(Array.from({ length: warningLinesMax + 5 }, (_, n) => warning(`${n}`)))
  expect(said.slice(3)).toHaveLength(warningLinesMax + 1)
  expect(said.at(-1)).toEqual({ event: 'warnings', more: 5 })
})

test.each([
  [true, ['listening', 'published', 'stopped']],
  [false, ['published', 'listening', 'stopped']],
] as const)(
  'the first line of a server says to a program that it listens; people read what came before first (json: %s)',
  (json, order) => {
    const lines: string[] = []
    const sink = { write: (text: string) => void lines.push(text), isTerminal: false, columns: undefined }
    const writer = makeWriter(sink, {})
    const voice = new Voice({ json, out: writer, err: writer, clock: new SimClock() })
    voice.say({ event: 'published', seq: 2 }, 'Published entry 2.')
    // One that never comes to listen has only its end to tell.
    expect(lines).toEqual([])
    voice.open({ event: 'listening', port: 1 }, 'Listening.')
    voice.say({ event: 'stopped' }, 'Stopped.')
    expect(lines.map((line) => /listening|published|stopped/i.exec(line)?.[0].toLowerCase())).toEqual(order)
  },
)
