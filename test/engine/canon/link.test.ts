/** Symlinks in the home: which are followed, and how far. */
import { describe, expect, test } from 'vitest'
import { isHomePath } from '../../../schemas/path.ts'
import type { LinkRule } from '../../../schemas/rule.ts'
import { home, kinds, SimHome } from './home.ts'

const asPath = (path: string) => (isHomePath(path) ? path : expect.fail())

describe('S33: symlinks', () => {
  test('inside the home: recorded as regular files, but only what is plain itself', async () => {
    const at = new SimHome()
    at.put('skill-libraries/x/SKILL.md', 'x')
    at.put('skills/.system/s/SKILL.md', 's')
    at.put('auth.json', 'secret')
    at.disk.plantLink(`${home}/skills/x`, '../skill-libraries/x')
    at.disk.plantLink(`${home}/AGENTS.md`, `${home}/skills/x/SKILL.md`)
    at.disk.plantLink(`${home}/prompts/a.md`, '../auth.json')
    at.disk.plantLink(`${home}/prompts/system`, '../skills/.system')
    at.disk.plantLink(`${home}/skills/loop`, '../skills')
    at.disk.plantLink(`${home}/skills/self`, 'self')
    at.disk.plantLink(`${home}/skills/home`, '..')
    const found = await at.look()
    expect(await at.contents()).toEqual({
      'AGENTS.md': 'x',
      'skill-libraries/x/SKILL.md': 'x',
      'skills/x/SKILL.md': 'x',
    })
    expect(kinds(found)).toEqual([
      'link-closed prompts/a.md',
      'link-closed prompts/system',
      'link-loop skills/home',
      'link-loop skills/loop',
      'link-broken skills/self',
    ])
  })

  test('out of the home: only where exactly this path and target are approved', async () => {
    const at = new SimHome()
    at.put('AGENTS.md', 'a')
    at.disk.plantFile('/home/u/work/skill/SKILL.md', 'mine')
    at.disk.plantFile('/home/u/work/skill/.env', 'KEY=1')
    at.disk.plantLink('/home/u/work/skill/inner', 'SKILL.md')
    at.disk.plantLink('/home/u/work/skill/outer', '/etc/passwd')
    at.disk.plantLink('/home/u/work/skill/folder', '../other')
    at.disk.plantFile('/home/u/work/other/x', 'x')
    at.disk.plantFile('/etc/passwd', 'root')
    at.disk.plantLink(`${home}/skills/mine`, '/home/u/work/skill')
    const found = await at.look()
    expect(kinds(found)).toEqual(['link-out skills/mine'])
    expect(found.warnings[0]?.why).toContain('/home/u/work/skill')
    const rule: LinkRule = { path: asPath('skills/mine'), target: '/home/u/work/skill' }
    const links = (...rules: LinkRule[]) => ({
      selection: { include: [], exclude: [], links: rules },
    })
    expect(kinds(await at.look(links({ ...rule, target: '/home/u/work' })))).toEqual(['link-out skills/mine'])
    expect(kinds(await at.look(links({ ...rule, path: asPath('skills/other') })))).toEqual([
      'link-out skills/mine',
    ])
    const approved = await at.look(links(rule))
    expect(await at.contents()).toEqual({
      'AGENTS.md': 'a',
      'skills/mine/SKILL.md': 'mine',
      'skills/mine/inner': 'mine',
    })
    expect(kinds(approved)).toEqual(['link-out skills/mine/folder', 'link-out skills/mine/outer'])
    expect(approved.secrets.map(({ path }) => path)).toEqual(['skills/mine/.env'])
    // The approval is withdrawn: what is there stays as it was, until the link goes.
    expect((await at.look()).events).toEqual([])
    await at.disk.unlink(`${home}/skills/mine`)
    expect((await at.look()).events.length).toBe(2)
  })

  test("stemma's own folder is never read, however it is reached", async () => {
    const at = new SimHome()
    at.disk.plantFile('/home/u/.stemma/keys/log.key', 'secret')
    at.disk.plantLink('/home/u/alias', '.stemma')
    at.put('notes/inner/keys/log.key', 'secret')
    at.disk.plantLink(`${home}/skills/x`, '/home/u/.stemma/keys')
    at.disk.plantLink(`${home}/skills/y`, '/home/u/.stemma/keys/log.key')
    const links = ['x', 'y'].map((name) => ({
      path: asPath(`skills/${name}`),
      target: `/home/u/.stemma/keys${name === 'y' ? '/log.key' : ''}`,
    }))
    const found = await at.look({
      fences: ['/home/u/alias', `${home}/notes/inner`],
      selection: { include: ['notes/'], exclude: [], links },
    })
    expect(kinds(found)).toEqual(['link-closed skills/x', 'link-closed skills/y'])
    expect(at.canon.size).toBe(0)
  })
})
