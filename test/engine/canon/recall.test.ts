/** What is remembered of a home between two looks: nothing that a hint named, and never more than was true once. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Recall } from '../../../engine/canon/recall.ts'
import { home, SimHome } from './home.ts'

const at = (path: string) => `${home}/${path}`
/** The calls of a look that ask the system about the home. */
const asked = (sim: SimHome) => {
  const from = sim.disk.trace.length
  return () =>
    sim.disk.trace
      .slice(from)
      .filter(({ call, path }) => (call === 'list' || call === 'stat') && path.startsWith(`${home}/skills`))
      .map(({ path }) => path.slice(home.length + 1))
}

async function settledHome(files: Record<string, string>) {
  const sim = new SimHome()
  const recall = new Recall()
  for (const [path, content] of Object.entries(files)) sim.put(path, content)
  await sim.clock.advance(10_000)
  await sim.look({ recall })
  return { sim, recall }
}

test('S25: after a hint the system is asked about that folder alone', async () => {
  const { sim, recall } = await settledHome({
    'skills/a/SKILL.md': 'a',
    'skills/a/notes/deep.md': 'deep',
    'skills/b/SKILL.md': 'b',
  })
  sim.put('skills/a/SKILL.md', 'new')
  await sim.clock.advance(10_000)
  recall.forget(at('skills/a/SKILL.md'))
  const calls = asked(sim)
  expect((await sim.look({ recall })).events.length).toBe(1)
  expect(new Set(calls())).toEqual(new Set(['skills/a', 'skills/a/SKILL.md']))
})

test('S25: what no hint named is found by a look at everything', async () => {
  const { sim, recall } = await settledHome({ 'skills/a/SKILL.md': 'a', 'skills/b/SKILL.md': 'b' })
  sim.put('skills/b/SKILL.md', 'unheard of')
  await sim.clock.advance(10_000)
  recall.forget(at('skills/a/SKILL.md'))
  expect((await sim.look({ recall })).events).toEqual([])
  recall.clear()
  expect((await sim.look({ recall })).events.length).toBe(1)
})

test('S25: a folder that goes, and one that comes, with all that is below', async () => {
  const { sim, recall } = await settledHome({
    'skills/a/x/1.md': '1',
    'skills/a/y/2.md': '2',
    'skills/b': 'file',
  })
  await sim.disk.unlink(at('skills/a/x/1.md'))
  await sim.disk.removeDir(at('skills/a/x'))
  recall.forget(at('skills/a/x'))
  expect((await sim.look({ recall })).events.map(({ type }) => type)).toEqual(['file.removed'])
  sim.put('skills/a/x/3.md', '3')
  recall.forget(at('skills/a/x'))
  expect((await sim.look({ recall })).events.map(({ type }) => type)).toEqual(['file.put'])
})

test('S33: a link is resolved anew at every look', async () => {
  const { sim, recall } = await settledHome({ 'skills/a/SKILL.md': 'a', 'skills/b/SKILL.md': 'b' })
  sim.disk.plantLink(at('skills/l'), at('skills/a'))
  recall.forget(at('skills/l'))
  await sim.look({ recall })
  expect((await sim.contents())['skills/l/SKILL.md']).toBe('a')
  await sim.disk.unlink(at('skills/l'))
  sim.disk.plantLink(at('skills/l'), at('skills/b'))
  recall.forget(at('skills/l'))
  await sim.look({ recall })
  expect((await sim.contents())['skills/l/SKILL.md']).toBe('b')
})

const folders = ['skills', 'skills/a', 'skills/a/x', 'prompts'] as const
const names = ['1.md', '2.md', 'a', 'x'] as const
const change = fc.record({
  folder: fc.constantFrom(...folders),
  name: fc.constantFrom(...names),
  act: fc.constantFrom('write', 'remove', 'exec'),
  isLooked: fc.boolean(),
})

test('S25: with a hint for every change a look finds what a look at everything finds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { maxLength: 25 }), async (changes) => {
      const sim = new SimHome()
      const recall = new Recall()
      await sim.look({ recall })
      for (const [i, { folder, name, act, isLooked }] of changes.entries()) {
        const path = `${folder}/${name}`
        const hint = await firstNew(sim, path)
        const there = (await sim.disk.stat(at(path)))?.kind
        if (act === 'remove' && there === 'file') await sim.disk.unlink(at(path))
        else if (act === 'remove' && there === 'folder') await sim.disk.removeDir(at(path))
        else if (act === 'exec' && there === 'file') await sim.disk.chmod(at(path), 0o755)
        else if (act === 'write' && there !== 'folder' && (await isOpen(sim, folder))) sim.put(path, `${i}`)
        recall.forget(at(hint))
        await sim.clock.advance(10_000)
        if (isLooked) await sim.look({ recall })
      }
      await sim.look({ recall })
      expect((await sim.look()).events).toEqual([])
    }),
    { numRuns: 200 },
  )
})

const pathsTo = (path: string): string[] => {
  const parts = path.split('/')
  return parts.map((_, i) => parts.slice(0, i + 1).join('/'))
}
/** What the system tells of: the entry, or the first folder on its way that is new. */
async function firstNew(sim: SimHome, path: string): Promise<string> {
  for (const one of pathsTo(path)) if ((await sim.disk.stat(at(one))) === null) return one
  return path
}
/** Nothing on the way is a file. */
async function isOpen(sim: SimHome, folder: string): Promise<boolean> {
  for (const path of pathsTo(folder)) if ((await sim.disk.stat(at(path)))?.kind === 'file') return false
  return true
}
