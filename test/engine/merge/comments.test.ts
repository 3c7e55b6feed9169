/** Comments in a merged config.toml: whose line they stay on, and which of them go (S44). */
import { describe, expect, test } from 'vitest'
import { merge, wrote } from './merging.ts'

describe('S44: a comment on a line goes with the value that it stands beside', () => {
  const before = 'effort = "low" # quick\ntheme = "dark"\n'
  const after = 'effort = "medium" # calmer\ntheme = "light"\n'
  const taken = (local: string, key = 'effort') => {
    const kept = merge(after, local, wrote(before))
    const done = merge(after, kept.text, kept.last, [key, 'canonical'])
    expect(merge(after, done.text, done.last)).toMatchObject({ unchanged: true, last: done.last })
    return done.text
  }

  test.each([
    ['none', 'effort = "xhigh"\n'],
    ['its own', 'effort = "xhigh"  # mine\n'],
    ['the one of the value before', 'effort = "xhigh" # quick\n'],
  ])('a value that is kept from here has its own line: %s', (_, line) => {
    const merged = merge(after, `${line}theme = "dark"\n`, wrote(before))
    expect(merged.text).toBe(`${line}theme = "light"\n`)
    expect(merged.conflicts).toHaveLength(1)
  })

  test('with a last line that has no end, and other line ends', () => {
    const end = (text: string) => text.trimEnd()
    expect(merge('a = 2 # c', 'a = 3 # d\n', wrote('a = 1\n')).text).toBe('a = 3 # d')
    expect(merge('a = 2 # c\r\n', end('a = 3\n'), wrote('a = 1\n')).text).toBe('a = 3\r\n')
  })

  test.each([
    ['none', 'effort = "xhigh"\n', ''],
    ['one that was canonical', 'effort = "xhigh" # quick\n', ''],
    ['one of the user', 'effort = "xhigh" # mine\n', '# mine\n'],
  ])('a canonical value that is taken has the canonical line; here was %s', (_, line, above) => {
    expect(taken(`${line}theme = "dark"\n`)).toBe(above + after)
  })

  test('a canonical line without a comment stays without one, taken or changed by the master', () => {
    expect(taken('effort = "low" # quick\ntheme = "mine" # no\n', 'theme')).toBe(
      after.replace('theme', '# no\ntheme'),
    )
    const noted = before.replace('"dark"', '"dark" # for the eyes')
    expect(merge(after, noted, wrote(before)).text).toBe(after.replace('theme', '# for the eyes\ntheme'))
    expect(merge(`${before}a = 1\n`, noted, wrote(before)).text).toBe(`${noted}a = 1\n`)
  })

  test('of a header: it goes above when the whole table is taken from the master', () => {
    const docs = '[mcp_servers.docs]\ncommand = "docs"\n'
    const mine = '[mcp_servers.docs] # ours\ncommand = "mine"\n'
    const kept = merge(docs, mine)
    expect(kept.text).toBe(mine)
    expect(merge(docs, mine, kept.last, ['mcp_servers.docs', 'canonical']).text).toBe(`# ours\n${docs}`)
    const edited = mine.replace('"mine"', '"docs"')
    expect(merge(docs.replace('"docs"\n', '"d"\n'), edited, wrote(docs)).text).toBe(
      edited.replace('"docs"\n', '"d"\n'),
    )
  })
})

test('S44: what was canonical and is no longer goes with the statement that kept it', () => {
  const rest = 'model = "a"\n'
  const search =
    '\n# search (paid)\n[mcp_servers.search] # fast\ncommand = "s" # bin\nargs = [\n  "1", # one\n]\n'
  const local = (rest + search).replace('"s"', '"mine"').replace('[mcp', '# my own\n[mcp')
  const orphaned = merge(rest, local, wrote(rest + search))
  expect(orphaned.conflicts).toMatchObject([{ key: 'mcp_servers.search', kind: 'orphaned' }])
  expect(orphaned.text).toContain('# search (paid)\n# my own\n[mcp_servers.search] # fast\n')
  expect(orphaned.last.former).toEqual(['# search (paid)', '# fast', '# bin', '# one'])
  // Also when the master has moved on once more.
  for (const now of [rest, `${rest}effort = "low"\n`]) {
    const next = merge(now, orphaned.text, orphaned.last)
    expect(next.last.former).toEqual(orphaned.last.former)
    const taken = merge(now, next.text, next.last, ['mcp_servers.search', 'canonical'])
    expect(taken.text).toBe(`${now}\n# my own\n`)
    expect(taken.last.former).toEqual([])
  }
  // Canonical again, it is as it was.
  const back = merge(rest + search, orphaned.text, orphaned.last, ['mcp_servers.search', 'canonical'])
  expect(back.text).toBe((rest + search).replace('[mcp', '# my own\n[mcp'))
  expect(back.last.former).toEqual([])
})
