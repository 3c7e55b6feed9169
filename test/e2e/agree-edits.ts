/**
 * Edits of a config.toml at random: as Codex makes them, through the real app server, and as people do, in the text.
 * Always holds: an edit that Codex would not read is taken back, and another one is made; the same seed gives the
 * same edits.
 */
import { isTable, type Table, valueAt } from '../../engine/toml/value.ts'
import type { Random } from '../sim/random.ts'
import { published } from './agreed-editions.ts'
import type { AppServer } from './app-server.ts'
import type { Machine } from './machine.ts'

export type Hand = {
  readonly machine: Machine
  readonly codex: AppServer
  readonly random: Random
  /** Makes names and values of this edit unlike all others. */
  readonly n: number
  /** What begins the comments of this hand. */
  readonly mark: 'mine' | 'theirs'
}
/** @returns whether there was something to do. */
type Edit = (hand: Hand) => boolean | Promise<boolean>

const file = 'config.toml'
/** Both sides take names from here, so that they meet. */
const shared = ['docs', 'remote', 'search', 's-1', 's-2']

const pick = <T>({ random }: Hand, list: readonly T[]): T | undefined => list[random.below(list.length)]
const tableAt = (table: Table, ...path: string[]): Table => {
  const value = valueAt(table, path)
  return isTable(value) ? value : {}
}

async function write({ codex }: Hand, ...edits: readonly (readonly [string, unknown])[]): Promise<boolean> {
  const one = ([keyPath, value]: readonly [string, unknown]) => ({
    ...{ keyPath, value },
    mergeStrategy: 'upsert',
  })
  await codex.call('config/batchWrite', { edits: edits.map(one), reloadUserConfig: true })
  return true
}

/** What Codex writes of its own accord, and what it writes for its user. */
const byCodex: Readonly<Record<string, Edit>> = {
  'trust is given': (hand) =>
    write(hand, ['projects', { [`/home/${hand.mark}/p ${hand.n}`]: { trust_level: 'trusted' } }]),
  'a hook is approved': (hand) =>
    write(hand, [
      'hooks.state',
      { [`/h/hooks.json:stop:${hand.n}:0`]: { trusted_hash: `sha256:${hand.n}` } },
    ]),
  'a notice is shown': (hand) =>
    write(
      hand,
      ['notice', { hide_rate_limit_model_nudge: hand.n % 2 === 0 }],
      ['tui.model_availability_nux', { 'gpt-5.1': hand.n, [`m${hand.n}`]: 1 }],
    ),
  'a tool is approved': async (hand) => {
    const { table } = await hand.codex.readUser()
    const server = pick(hand, Object.keys(tableAt(table, 'mcp_servers')))
    if (server === undefined || /[^\w-]/.test(server)) return false
    return write(hand, [`mcp_servers.${server}.tools`, { [`t${hand.n}`]: { approval_mode: 'approve' } }])
  },
  'a server is added': (hand) =>
    write(hand, [`mcp_servers.${hand.mark}-${hand.n}`, { command: 'x', startup_timeout_sec: 30.5 }]),
  'a server of a shared name is added': (hand) =>
    write(hand, [`mcp_servers.${pick(hand, shared)}`, { url: `http://127.0.0.1:1/${hand.mark}/${hand.n}` }]),
  'a server is removed': async (hand) => {
    const { table } = await hand.codex.readUser()
    const server = pick(hand, Object.keys(tableAt(table, 'mcp_servers')))
    if (server === undefined || server === 'own' || /[^\w-]/.test(server)) return false
    return write(hand, [`mcp_servers.${server}`, null])
  },
  'a newer model is accepted': async (hand) => {
    const { model } = (await hand.codex.readUser()).table
    if (typeof model !== 'string') return false
    const next = `gpt-${hand.n}`
    return write(
      hand,
      ['notice.model_migrations', { [model]: next }],
      ['model', next],
      ['model_reasoning_effort', pick(hand, ['low', 'medium', 'xhigh'])],
    )
  },
  'a setting is changed': (hand) => {
    const settings: readonly (readonly [string, unknown])[] = [
      ['tui.theme', `${hand.mark}-${hand.n}`],
      ['model_context_window', 100_000 + hand.n],
      ['features.unbounded_connection_retries', hand.n % 2 === 0],
      ['model_verbosity', pick(hand, ['low', 'high'])],
    ]
    return write(hand, pick(hand, settings) ?? ['tui.theme', 'x'])
  },
  'a setting is taken out': (hand) =>
    write(hand, [
      pick(hand, ['tui.theme', 'model_context_window', 'approval_policy', 'team.ratio']) ?? '',
      null,
    ]),
}

const change = ({ machine }: Hand, edit: (text: string, eol: string) => string | null): boolean => {
  const text = machine.read(file) ?? ''
  const next = edit(text, text.includes('\r\n') ? '\r\n' : '\n')
  if (next === null || next === text) return false
  machine.write(file, next)
  return true
}
const bom = /^\ufeff?/
const atTop = (text: string, lines: string): string => text.replace(bom, (mark) => mark + lines)
const atEnd = (text: string, eol: string, lines: string): string =>
  text + (text === '' || text.endsWith('\n') ? '' : eol) + lines

/** The way that people edit: any line, any syntax. */
const byHand: Readonly<Record<string, Edit>> = {
  'a server in a section': (hand) =>
    change(hand, (text, eol) => {
      const name = hand.random.chance(0.5) ? pick(hand, shared) : `${hand.mark} ${hand.n}`
      const lines = [
        '',
        `# ${hand.mark}: server ${hand.n}`,
        `[mcp_servers.'${name}'] # ${hand.mark}: header ${hand.n}`,
        `command = '''${hand.n}''' # ${hand.mark}: command ${hand.n}`,
        `args = [ # ${hand.mark}: arguments ${hand.n}`,
        '  "#", "]",',
        ']',
        'startup_timeout_sec = 1_0.50',
        '',
      ]
      return atEnd(text, eol, lines.join(eol))
    }),
  'a server in one line': (hand) =>
    change(hand, (text, eol) => {
      const server = `{ command = "${hand.n}", env = { "A.B" = '}' }, tools.run.approval_mode = "approve" }`
      return atTop(
        text,
        `mcp_servers."${hand.mark}.${hand.n}" = ${server} # ${hand.mark}: line ${hand.n}${eol}`,
      )
    }),
  'a server in dotted keys': (hand) =>
    change(hand, (text, eol) => {
      const name = `mcp_servers.${hand.mark}-dotted-${hand.n}`
      return atTop(
        text,
        `${name}.command = "x"${eol}${name}.env.A = "\\u00fc" # ${hand.mark}: ${hand.n}${eol}`,
      )
    }),
  'a table of the own': (hand) =>
    change(hand, (text, eol) => {
      const lines = [
        `[${hand.mark}-${hand.n}]`,
        'day = 1979-05-27',
        'at = 1979-05-27 07:32:00.5-07:00',
        'huge = 9_223_372_036_854_775_807',
        'ratio = 30.0',
        'text = """',
        `# ${hand.mark}: no comment ${hand.n}`,
        '[no.header] \\',
        '  joined"""',
        '',
        `[[${hand.mark}-list-${hand.n}]]`,
        'a = 0x1F',
        '',
      ]
      return atEnd(text, eol, lines.join(eol))
    }),
  'a comment': (hand) =>
    change(hand, (text, eol) => {
      const lines = text.split(/(?<=\n)/)
      const at = hand.random.below(lines.length + 1)
      if (at > 0 && !lines[at - 1]?.endsWith('\n')) return null
      const note = `${hand.random.chance(0.3) ? eol : ''}# ${hand.mark}: note ${hand.n}${eol}`
      const above = at === 0 ? atTop(lines.join(''), note) : null
      return above ?? [...lines.slice(0, at), note, ...lines.slice(at)].join('')
    }),
  'a value': (hand) =>
    change(hand, (text) => {
      const value =
        /(\b(?:theme|base_url|command|url|description|ratio|model)['"]?[ \t]*=[ \t]*)("[^"\r\n]*"|'[^'\r\n]*')/g
      const found = pick(hand, [...text.matchAll(value)])
      if (!found) return null
      const [all, key = ''] = found
      const changed = `${key}'${hand.mark}/${hand.n}'`
      return text.slice(0, found.index) + changed + text.slice(found.index + all.length)
    }),
  'a number': (hand) =>
    change(hand, (text) => {
      const found = pick(hand, [...text.matchAll(/= *\d[\d_.]*(?=[\r\n ,}])/g)])
      if (!found) return null
      const float = found[0].includes('.')
      const number = float ? `= ${hand.n}.50` : `= 1_${String(hand.n).padStart(3, '0')}`
      return text.slice(0, found.index) + number + text.slice(found.index + found[0].length)
    }),
  'a line goes': (hand) =>
    change(hand, (text) => {
      const lines = text.split(/(?<=\n)/)
      const at = hand.random.below(lines.length)
      return lines[at]?.trim() ? lines.toSpliced(at, 1).join('') : null
    }),
  'a section goes': (hand) =>
    change(hand, (text) => {
      const sections = text.split(/(?<=\n)(?=\[)/)
      return sections.length < 2
        ? null
        : sections.toSpliced(1 + hand.random.below(sections.length - 1), 1).join('')
    }),
  'sections move': (hand) =>
    change(hand, (text, eol) => {
      const [first = '', ...rest] = atEnd(text, eol, '').split(/(?<=\n)(?=\[)/)
      const at = hand.random.below(rest.length)
      return [first, ...rest.slice(at), ...rest.slice(0, at)].join('')
    }),
  'other line ends': (hand) =>
    change(hand, (text, eol) =>
      eol === '\n' ? text.replaceAll('\n', '\r\n') : text.replaceAll('\r\n', '\n'),
    ),
}

/** The master's file is written anew, in another syntax. */
const byTeam: Readonly<Record<string, Edit>> = {
  'another edition': (hand) =>
    change(hand, () => {
      const edition = pick(hand, published)?.config ?? ''
      return edition.replace(/"(gpt-[^"]*)"/g, (all, model) =>
        hand.n % 3 === 0 ? `"${model}-${hand.n}"` : all,
      )
    }),
}

/** Makes one edit that Codex reads, and says which. */
export async function editAtRandom(hand: Hand): Promise<string> {
  const codex = Object.entries(byCodex)
  const people = [...Object.entries(byHand), ...(hand.mark === 'theirs' ? Object.entries(byTeam) : [])]
  for (;;) {
    const before = hand.machine.read(file)
    const [name, edit] = pick(hand, hand.random.chance(0.5) ? codex : people) ?? ['', () => false]
    try {
      if (!(await edit(hand))) continue
      await hand.codex.readUser()
      return `${hand.n}: ${hand.mark}: ${name}`
    } catch {
      if (before !== null) hand.machine.write(file, before)
    }
  }
}
