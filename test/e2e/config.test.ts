/** S41: the real Codex refuses what we say it refuses, and starts with what we merged. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { mergeConfig } from '../../engine/merge/merge.ts'
import { type ConfigType, calledOnly, configTypes } from '../../schemas/config-type.ts'
import { isRefusal } from '../../schemas/fault.ts'
import { accepted, lacking, refused } from '../engine/merge/cases.ts'
import { fixtures } from '../engine/merge/fixtures.ts'
import { codexBinary, codexEnv, describeCodex } from './codex.ts'

/** Reading the config is all that this command does. */
const readCommand = ['mcp', 'list', '--json']
const wrong: Readonly<Record<ConfigType, string>> = {
  string: '[3]',
  boolean: '"x"',
  integer: '"x"',
  count: '-1',
  number: '"x"',
  strings: '[3]',
  list: '"x"',
  table: '3',
  words: '{ a = 3 }',
  tables: '{ a = 3 }',
}

/** A rule's key and the least that must stand beside it. */
function around(key: string): { readonly at: string; readonly beside: string } {
  const last = key.slice(key.lastIndexOf('.') + 1)
  const at = key.replaceAll('*', 'x')
  if (key.startsWith('mcp_servers.*.'))
    return {
      at,
      beside: `mcp_servers.x.${calledOnly.includes(last) ? 'url = "http://x"' : 'command = "x"'}\n`,
    }
  return { at, beside: key.startsWith('model_providers.*.') ? 'model_providers.x.name = "x"\n' : '' }
}

describeCodex('config.toml and the real Codex', () => {
  const home = mkdtempSync(join(tmpdir(), 'stemma-config-'))
  mkdirSync(`${home}.user`)
  afterAll(() => {
    for (const folder of [home, `${home}.user`]) rmSync(folder, { recursive: true, force: true })
  })
  const starts = (text: string): boolean => {
    writeFileSync(join(home, 'config.toml'), text)
    const options = { env: codexEnv(home), stdio: 'ignore', timeout: 20_000 } as const
    return spawnSync(codexBinary(), readCommand, options).status === 0
  }

  test.each([...refused, ...lacking])('S41: %j is refused', (text) => expect(starts(text)).toBe(false))
  test.each(accepted)('S41: %j is accepted', (text) => expect(starts(text)).toBe(true))

  test('S41: every declared type is one that Codex insists on', () => {
    const loose = [...configTypes].filter(([key, types]) => {
      const { at, beside } = around(key)
      const bad = types.length > 1 ? '3' : wrong[types[0] ?? 'string']
      const own = beside.startsWith(`${at} `)
      return (beside !== '' && !starts(beside)) || starts(`${own ? '' : beside}${at} = ${bad}\n`)
    })
    expect(loose).toEqual([])
  })

  test.each(fixtures)('S41: what is merged for $name starts', ({ canonical, local }) => {
    const merged = mergeConfig({ canonical, local, last: null })
    expect(isRefusal(merged) || starts(merged.text)).toBe(true)
  })
})
