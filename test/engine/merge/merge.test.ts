/** The config.toml of a follower: what is canonical, what is the machine's, what is the user's, and what is in dispute. */
import { describe, expect, test } from 'vitest'
import { canonicalOf } from '../../../engine/merge/canonical.ts'
import { judgeConfig } from '../../../engine/merge/judge.ts'
import { type Merged, mergeConfig } from '../../../engine/merge/merge.ts'
import { fixtures } from './fixtures.ts'
import { merge, sure, wrote } from './merging.ts'

describe.each(fixtures)('S43: $name', ({ canonical, local, mine }) => {
  test('what is this machine’s survives a new canonical text, which keeps its bytes', () => {
    const next = canonical
      .replace('"dark"', '"light"')
      .replace('30.0', '45.0')
      .replace('@team/docs"', '@team/docs@2"')
    const merged = merge(next, local, wrote(canonical))
    expect(merged).toMatchObject({ conflicts: [], fallback: false, trouble: null, dropped: [] })
    for (const line of mine) expect(merged.text).toContain(line)
    const answered = merged.text.includes('model = "gpt-5.2"')
    for (const line of next.split('\n').filter((one) => !answered || !one.startsWith('model')))
      expect(merged.text).toContain(line)
    expect(merge(next, merged.text, merged.last).unchanged).toBe(true)
  })

  test('a file that says what it should is left alone, byte for byte', () => {
    const merged = merge(canonical, local, wrote(canonical))
    expect(merged).toMatchObject({ unchanged: true, text: local, conflicts: [] })
  })

  test('S30: the machine’s keys are not published', () => {
    const published = sure(canonicalOf(local)).text
    for (const word of [
      '[projects',
      'hooks.state',
      'nux',
      'trusted_hash',
      '.tools.',
      'notice',
      'log_dir',
      'marketplaces',
    ])
      expect(published).not.toContain(word)
    expect(judgeConfig(published)).toBe(null)
  })
})

const canonical =
  '# team\nmodel = "a" # m\n\n[tui]\ntheme = "dark"\n\n[mcp_servers.docs]\ncommand = "docs"\nargs = ["1"]\n'

describe('S39, S45: conflicts by key', () => {
  const conflictsOf = (merged: Merged) => merged.conflicts.map(({ key, kind }) => [key, kind])

  test('an edited key keeps its local value, and stays in dispute until it is settled', () => {
    const local = canonical.replace('"dark"', '"light"')
    const next = canonical.replace('"dark"', '"solar"').replace('"1"', '"2"')
    const merged = merge(next, local, wrote(canonical))
    expect(merged.conflicts).toEqual([
      { key: 'tui.theme', kind: 'edited', moved: 'too', canonical: '"solar"', local: '"light"' },
    ])
    expect(merged.text).toBe(next.replace('"solar"', '"light"'))
    expect(merged.provenance().get('tui.theme')).toBe('conflict')
    expect(conflictsOf(merge(next, merged.text, merged.last))).toEqual([['tui.theme', 'edited']])
    expect(merge(next, merged.text, merged.last, ['tui.theme', 'canonical'])).toMatchObject({
      text: next,
      conflicts: [],
    })
  })

  test('taking local settles it against this canonical value, not against the next', () => {
    const local = canonical.replace('"dark"', '"light"')
    const taken = merge(canonical, local, wrote(canonical), ['tui.theme', 'local'])
    expect(taken).toMatchObject({ text: local, conflicts: [] })
    const later = merge(canonical, local, taken.last)
    expect(later).toMatchObject({ conflicts: [], last: taken.last })
    expect(later.provenance().get('tui.theme')).toBe('local')
    expect(conflictsOf(merge(canonical.replace('"dark"', '"x"'), local, later.last))).toEqual([
      ['tui.theme', 'edited'],
    ])
  })

  test('what is settled is told while it holds, as what it was, and can be taken back', () => {
    const local = canonical.replace('"dark"', '"light"')
    const taken = merge(canonical, local, wrote(canonical), ['tui.theme', 'local'])
    const told = { key: 'tui.theme', kind: 'edited', moved: 'no', canonical: '"dark"', local: '"light"' }
    expect(taken.settled).toEqual([told])
    const later = merge(canonical, local, taken.last)
    expect(later).toMatchObject({ settled: [told], conflicts: [], unchanged: true })
    const back = merge(canonical, local, later.last, ['tui.theme', 'canonical'])
    expect(back).toMatchObject({ text: canonical, settled: [], conflicts: [] })
    // What was here before is not said to have been changed.
    const before = merge(canonical, local, null, ['tui.theme', 'local'])
    expect(merge(canonical, local, before.last).settled).toMatchObject([{ kind: 'exists', moved: 'no' }])
  })

  test('a key that is canonical no more is the user’s own once it is settled with local', () => {
    const local = canonical.replace('"dark"', '"light"')
    const orphaned = merge('model = "a"\n', local, wrote(canonical))
    const kept = merge('model = "a"\n', orphaned.text, orphaned.last, ['tui.theme', 'local'])
    expect(kept).toMatchObject({ conflicts: [], settled: [], last: { settled: [] } })
    expect(merge('model = "a"\n', kept.text, kept.last)).toMatchObject({ unchanged: true, last: kept.last })
  })

  test('a choice on a key of a provider goes with the last of its keys: the whole is missing then', () => {
    const gw = '[model_providers.gw]\nname = "gw"\nbase_url = "http://a"\n'
    const [header = '', name = ''] = gw.split(/(?<=\n)/)
    const chosen = merge(gw, header + name, wrote(gw), ['model_providers.gw.base_url', 'local'])
    expect(chosen.settled).toMatchObject([{ key: 'model_providers.gw.base_url', kind: 'deleted' }])
    const none = merge(gw, header, chosen.last)
    expect(conflictsOf(none)).toEqual([['model_providers.gw', 'deleted']])
    expect(none.settled).toEqual([])
  })

  test('what the master did to a value in dispute is remembered with the conflict', () => {
    const movedOf = (merged: Merged) => merged.conflicts.map(({ key, kind, moved }) => [key, kind, moved])
    const local = canonical.replace('"dark"', '"light"')
    const still = merge(canonical, local, wrote(canonical))
    expect(movedOf(still)).toEqual([['tui.theme', 'edited', 'no']])
    const solar = canonical.replace('"dark"', '"solar"')
    const both = merge(solar, still.text, still.last)
    expect(movedOf(both)).toEqual([['tui.theme', 'edited', 'too']])
    expect(movedOf(merge(solar, both.text, both.last))).toEqual([['tui.theme', 'edited', 'too']])
    // Settled, and turned down by the master's next value.
    const chosen = merge(solar, both.text, both.last, ['tui.theme', 'local'])
    const dim = canonical.replace('"dark"', '"dim"')
    const again = merge(dim, chosen.text, chosen.last)
    expect(movedOf(again)).toEqual([['tui.theme', 'edited', 'since-choice']])
    const later = merge(dim, again.text, again.last)
    expect(movedOf(later)).toEqual([['tui.theme', 'edited', 'since-choice']])
    const anew = merge(dim, later.text, later.last, ['tui.theme', 'local'])
    expect(merge(dim, anew.text, anew.last).settled).toMatchObject([{ key: 'tui.theme', moved: 'too' }])
    const gone = solar.replace('theme = "solar"\n', '')
    expect(movedOf(merge(gone, chosen.text, chosen.last))).toEqual([
      ['tui.theme', 'orphaned', 'since-choice'],
    ])
    const without = canonical.replace('theme = "dark"\n', '')
    expect(movedOf(merge(solar, without, wrote(canonical)))).toEqual([['tui.theme', 'deleted', 'too']])
    expect(movedOf(merge(solar, local))).toEqual([['tui.theme', 'exists', 'no']])
    const server = canonical.replace('"docs"\n', '"mine"\n').replace('["1"]', '["2"]')
    const url = canonical.replace('command = "docs"\nargs = ["1"]', 'url = "https://docs"')
    expect(movedOf(merge(url, server, wrote(canonical)))).toEqual([['mcp_servers.docs', 'edited', 'too']])
  })

  test('a removed key stays away, one that was here before is told apart, one that is no longer canonical goes', () => {
    const without = canonical.replace('theme = "dark"\n', '')
    expect(conflictsOf(merge(canonical, without, wrote(canonical)))).toEqual([['tui.theme', 'deleted']])
    expect(conflictsOf(merge(canonical, 'model = "b"\n'))).toEqual([['model', 'exists']])
    expect(merge(without, canonical, wrote(canonical))).toMatchObject({ text: without, conflicts: [] })
    const edited = canonical.replace('"dark"', '"light"')
    const orphaned = merge(without, edited, wrote(canonical))
    expect(conflictsOf(orphaned)).toEqual([['tui.theme', 'orphaned']])
    expect(orphaned.text).toContain('theme = "light"')
    expect(conflictsOf(merge(without, orphaned.text, orphaned.last))).toEqual([['tui.theme', 'orphaned']])
  })

  test.each([
    ['as a table', '[mcp_servers.docs]\ncommand = "mine"\n'],
    ['inline', 'mcp_servers = { docs = { command = "mine" } }\n'],
    ['dotted and quoted', 'mcp_servers."docs".command = "mine"\n'],
  ])('S45, S46: a local server with a canonical name, %s, is one conflict and stays whole', (_, local) => {
    const merged = merge(canonical, local)
    expect(conflictsOf(merged)).toEqual([['mcp_servers.docs', 'exists']])
    expect(merged.text).toContain('command = "mine"')
    expect(merged.text).not.toContain('args')
    expect(merged).toMatchObject({ trouble: null, fallback: false })
    const next = merge(canonical.replace('"1"', '"2"'), merged.text, merged.last)
    expect(conflictsOf(next)).toEqual([['mcp_servers.docs', 'exists']])
    expect(next.text).not.toContain('args')
  })

  test('PEERS: [mcp_servers.x.env] is no server of its own', () => {
    const local = `${canonical}\n[mcp_servers.docs.env]\nA = "1"\n`
    const merged = merge(canonical, local, wrote(canonical))
    expect(merged).toMatchObject({ unchanged: true, conflicts: [] })
    expect(merged.provenance().get('mcp_servers.docs.env.A')).toBe('local')
  })

  test('a server that changes its kind is not mixed with an edited one of the other kind', () => {
    const local = canonical.replace('"1"', '"mine"')
    const next = canonical.replace('command = "docs"\nargs = ["1"]', 'url = "https://docs"')
    const merged = merge(next, local, wrote(canonical))
    expect(conflictsOf(merged)).toEqual([['mcp_servers.docs', 'edited']])
    expect(merged).toMatchObject({ trouble: null })
    expect(merged.text).not.toContain('url')
  })
})

describe('S43: the last layer', () => {
  const answer = '\n[notice.model_migrations]\na = "b"\n'

  test('an answer to a model migration holds until the canonical model changes', () => {
    const local = canonical.replace('"a" # m', '"b" # m\nmodel_reasoning_effort = "low"') + answer
    const held = merge(canonical.replace('dark', 'light'), local, wrote(canonical))
    expect(held.conflicts).toEqual([])
    expect(held.kept).toEqual(['model', 'model_reasoning_effort', 'notice.model_migrations.a'])
    expect(held.text).toContain('model = "b" # m\n')
    const next = merge(canonical.replace('"a"', '"c"'), held.text, held.last)
    expect(next.conflicts).toEqual([])
    expect(next.text).toContain('model = "c" # m\n')
    expect(next.text).not.toContain('model_reasoning_effort')
    expect(next.text).toContain(answer)
  })

  test('another model than the one that was offered is an edit', () => {
    const local = canonical.replace('model = "a"', 'model = "z"') + answer
    expect(merge(canonical, local, wrote(canonical)).conflicts).toHaveLength(1)
  })

  test('what a master still has of its own machine is not looked at', () => {
    const merged = merge(
      `${canonical}\n[projects."/master"]\ntrust_level = "trusted"\n`,
      `${canonical}\n[projects."/me"]\ntrust_level = "trusted"\n`,
    )
    expect(merged.text).not.toContain('/master')
    expect(merged.text).toContain('[projects."/me"]')
  })

  test('approvals go with the server that they are for', () => {
    const local = `${canonical}\n[mcp_servers.docs.tools.find]\napproval_mode = "approve"\n`
    const merged = merge(canonical.slice(0, canonical.indexOf('\n[mcp_servers')), local, wrote(canonical))
    expect(merged).toMatchObject({ dropped: ['mcp_servers.docs.tools'], trouble: null, conflicts: [] })
    expect(merged.text).not.toContain('docs')
  })
})

test('approvals that are left of a server in dispute go when nobody has it any more', () => {
  const own = '[mcp_servers.docs]\nurl = "http://x"\n'
  const approvals = '[mcp_servers.docs.tools.find]\napproval_mode = "approve"\n'
  const without = 'model = "a"\n'
  const first = merge(`${without}[mcp_servers.docs]\ncommand = "docs"\n`, without + own + approvals)
  expect(first.conflicts).toMatchObject([{ key: 'mcp_servers.docs', kind: 'exists' }])
  const next = merge(without, without + approvals, first.last)
  expect(next).toMatchObject({ dropped: ['mcp_servers.docs.tools'], conflicts: [], trouble: null })
  expect(merge(without, next.text, next.last)).toMatchObject({ unchanged: true, dropped: [] })
})

test('S3, S5: a user’s own keys and tables stay, in a profile too', () => {
  const merged = merge(
    'model = "a"\n',
    'approval_policy = "never"\nmodel = "a"\n\n[mcp_servers.own]\ncommand = "x"\n',
    wrote('model = "a"\n'),
  )
  expect(merged).toMatchObject({ unchanged: true, conflicts: [] })
  expect([...merged.provenance().values()]).toEqual(['canonical', 'local', 'local'])
})

test('a table of dotted keys keeps how each value is written, also in an inline table', () => {
  const local = 'tui.model_availability_nux.a = 0x7\ntui.list.a.b = [ # first\n  1_0.50,\n]\n'
  const merged = merge('tui = { theme = "dark" }\n', `${local}tui.theme = "dark"\n`)
  expect(merged).toMatchObject({ conflicts: [], fallback: false })
  expect(merged.text).toContain('model_availability_nux.a = 0x7')
  expect(merged.text).toContain('list.a.b = [ # first\n  1_0.50,\n]')
})

test('a comment within a canonical value goes above it when that changes, and stays within one that is kept', () => {
  const args = 'args = [ # team\n  "#", # each\n]\n'
  const local = `${args.replace(']', '  # mine\n]')}list = [\n  1, # one\n]\n`
  const merged = merge(args.replace('each', 'every'), local, wrote(args))
  expect(merged.text).toBe('# mine\nargs = [ # team\n  "#", # every\n]\nlist = [\n  1, # one\n]\n')
  const kept = merge(args.replace('each', 'every'), local.replace('"#"', '"x"'), wrote(args))
  expect(kept.text).toBe(local.replace('"#"', '"x"'))
  expect(kept.conflicts).toHaveLength(1)
})

test('approvals that Codex writes below dotted keys keep their comments where the server has to be dotted', () => {
  const own = 'mcp_servers.own.command = "own"\n'
  const canonical = 'mcp_servers.docs.command = "docs"\n'
  const tools =
    '\n[mcp_servers.own.tools]\n\n[mcp_servers.own.tools.run] # why\napproval_mode = "approve" # how\n'
  const merged = merge(`${canonical}model = "a"\n`, canonical + own + tools, wrote(canonical))
  expect(merged.text).toContain('mcp_servers.own.tools.run.approval_mode = "approve" # how\n')
  expect(merged.text).toContain('# why\n')
})

describe('S41: what is named has to be there', () => {
  const gw = '[model_providers.gw]\nname = "gw"\n'
  const own = `model_provider = "gw"\n${gw}`

  test('a provider that is in use here does not go', () => {
    expect(merge('', own, wrote(gw)).trouble).toBe('The provider gw that model_provider names is missing.')
    expect(merge(gw.replace('gw"', 'x"'), own, wrote(gw)).trouble).toBe(null)
    expect(merge('', gw, wrote(gw))).toMatchObject({ trouble: null, text: '' })
    expect(merge('', own.replace('"gw"\n[', '"openai"\n['), wrote(gw)).trouble).toBe(null)
  })

  test('the default among the permissions of this machine does not go', () => {
    const team = 'default_permissions = "team"\n[permissions.team]\n'
    const mine = `${team}[permissions.mine]\n`
    expect(merge('', mine, wrote(team)).trouble).toBe(
      'The table permissions has no default_permissions beside it.',
    )
    const chosen = mine.replace('"team"', '"mine"')
    expect(merge('', chosen, wrote(team)).trouble).toBe(null)
    const named = team.replace('team"', 'team" # mine')
    expect(merge('model = "a"\n', named, wrote('[permissions.team]\n')).trouble).toBe(
      'The profile team that default_permissions names is missing.',
    )
  })

  test('what either side lacks by itself is not our doing: another layer of Codex may have it', () => {
    expect(merge('model_provider = "gw"\n', '').trouble).toBe(null)
    expect(merge('model = "a"\n', 'model_provider = "gw"\n').trouble).toBe(null)
  })
})

test('the first merge takes the canonical text as it is', () => {
  expect(merge(canonical, null)).toMatchObject({ text: canonical, unchanged: false, conflicts: [] })
  expect(merge(canonical, '')).toMatchObject({ text: canonical, conflicts: [] })
})

test('S30: what Codex adds to a master’s file publishes nothing new', () => {
  const more =
    `${canonical}screen = 1\n`.replace('screen = 1\n', '') +
    '\n[projects."/a"]\ntrust_level = "trusted"\n\n[tui.model_availability_nux]\na = 1\n\n[notice]\nhide = true\n'
  expect(sure(canonicalOf(more)).text).toBe(canonical)
  expect(sure(canonicalOf(canonical))).toEqual({ text: canonical, fallback: false, taken: [] })
})

test('S41: a file that is not TOML is refused, and it is said which one', () => {
  const facts = (side: string) => ({ refused: 'bad-config', facts: { side, line: 2 } })
  expect(mergeConfig({ canonical: 'a = 1\nb', local: '', last: null })).toMatchObject(facts('canonical'))
  expect(mergeConfig({ canonical: '', local: 'a = 1\na = 2', last: null })).toMatchObject(facts('local'))
})
