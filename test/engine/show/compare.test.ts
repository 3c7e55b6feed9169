/** Why a file is in conflict and what differs, for every kind of conflict, on a simulated disk. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { ConflictKind } from '../../../engine/apply/decide.ts'
import { compare } from '../../../engine/show/compare.ts'
import { diffBytesMax } from '../../../schemas/limits.ts'
import { at, codexHome, type Machine, World } from '../machines.ts'

const canary = 'canary horse'
let world: World
let machine: Machine

beforeEach(async () => {
  world = await World.make({
    'AGENTS.md': 'one\ntwo\nthree\n',
    'RTK.md': 'as ever\n',
    'prompts/a.md': 'a\n',
    'prompts/b.md': 'b\n',
    'prompts/c.md': 'c\n',
    'prompts/large.md': 'x'.repeat(diffBytesMax + 1),
    'prompts/picture.png': Buffer.from([0x89, 0x50, 0, 1]),
    'hooks/run.sh': 'true\n',
    'skills/a/notes.md': `api_key: ${canary} 1\nsame\n`,
    'auth.json': `{"OPENAI_API_KEY":"${canary} 1"}`,
    'config.toml': 'model = "gpt-5"\n',
  })
  machine = await world.join(2)
})

/** All conflicts, each with what is shown of it. */
async function shown(): Promise<Readonly<Record<string, readonly [ConflictKind, boolean, string]>>> {
  const { plan } = await machine.keeper.plan()
  const { disk, follower } = machine
  const place = { disk, codexHome, blobs: follower.blobs, files: follower.state?.files() ?? new Map() }
  const all: Record<string, readonly [ConflictKind, boolean, string]> = {}
  for (const conflict of plan.conflicts) {
    const found = await compare(place, conflict)
    const text = 'hidden' in found ? found.hidden : found.lines.join('|')
    all[conflict.path] = [conflict.kind, conflict.moved, text]
  }
  return all
}

describe('S39: a conflict says what differs', () => {
  test('before the first join', async () => {
    machine.disk.plantFile(at('AGENTS.md'), 'one\nmine\nthree')
    machine.disk.plantFile(at('prompts/large.md'), 'small\n')
    machine.disk.plantFile(at('prompts/picture.png'), 'text\n')
    machine.disk.plantFile(at('skills/a/notes.md'), `api_key: ${canary} 2\nsame\n`)
    machine.disk.plantFile(at('auth.json'), `{"OPENAI_API_KEY":"${canary} 2"}`)
    machine.disk.plantFile(at('elsewhere'), 'far\n')
    machine.disk.plantLink(at('RTK.md'), at('elsewhere'))
    machine.disk.plantFolder(at('hooks/run.sh'))
    const all = await shown()
    expect(all).toEqual({
      'AGENTS.md': [
        'exists',
        false,
        '@@ -1,3 +1,3 @@| one|-mine|-three|\\ No newline at the end|+two|+three',
      ],
      'RTK.md': ['linked', false, expect.stringMatching(/never replaced/)],
      'auth.json': ['exists', false, expect.stringMatching(/secret.*not shown/)],
      'hooks/run.sh': ['blocked', false, expect.stringMatching(/never replaced/)],
      'prompts/large.md': ['exists', false, 'It is larger than 1024 KiB.'],
      'prompts/picture.png': ['exists', false, 'It is not text.'],
      'skills/a/notes.md': ['exists', false, '@@ -1,2 +1,2 @@|-api_key: ‹hidden›|+api_key: ‹hidden›| same'],
    })
    expect(JSON.stringify(all)).not.toContain('horse')
  })

  test('after it: who changed it, deleted it, or made it executable', async () => {
    await machine.keeper.apply()
    machine.disk.plantFile(at('AGENTS.md'), 'one\nmine\nthree\n')
    machine.disk.plantFile(at('RTK.md'), 'as ever\n', 0o755)
    machine.disk.plantFile(at('prompts/b.md'), 'mine\n')
    machine.disk.plantFile(at('prompts/c.md'), 'mine\n')
    await machine.disk.unlink(at('prompts/a.md'))
    expect(await shown()).toEqual({
      'AGENTS.md': ['edited', false, '@@ -1,3 +1,3 @@| one|-mine|+two| three'],
      'RTK.md': ['edited', false, 'Only the executable bit differs.'],
      'prompts/a.md': ['deleted', false, '@@ -0,0 +1 @@|+a'],
      'prompts/b.md': ['edited', false, '@@ -1 +1 @@|-mine|+b'],
      'prompts/c.md': ['edited', false, '@@ -1 +1 @@|-mine|+c'],
    })
    await world.publish({ 'prompts/b.md': 'theirs\n', 'prompts/c.md': null, 'prompts/a.md': 'A\n' })
    await world.sync(machine)
    expect(await shown()).toMatchObject({
      'AGENTS.md': ['edited', false, expect.any(String)],
      'prompts/a.md': ['deleted', true, '@@ -0,0 +1 @@|+A'],
      'prompts/b.md': ['edited', true, '@@ -1 +1 @@|-mine|+theirs'],
      'prompts/c.md': ['orphaned', true, '@@ -1 +0,0 @@|-mine'],
    })
  })
})
