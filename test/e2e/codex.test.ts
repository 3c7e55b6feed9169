/** What the other end-to-end tests stand on: Codex reads its home as the facts say. Nothing of stemma is in it. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { describeCodex, runCodexExec, writeCodexConfig } from './codex.ts'
import { type FakeModel, startModel } from './model.ts'

describeCodex('the real Codex CLI', () => {
  let model: FakeModel
  let root: string
  let home: string
  beforeAll(async () => {
    root = mkdtempSync(join(tmpdir(), 'stemma-codex-'))
    home = join(root, '.codex')
    model = await startModel()
    writeCodexConfig(home, model.baseUrl)
  })
  afterAll(async () => {
    await model.close()
    rmSync(root, { recursive: true, force: true })
  })

  test('S28: AGENTS.md and a skill of its home are in what it asks the model', async () => {
    writeFileSync(join(home, 'AGENTS.md'), 'Speak of the zebra crossing.\n')
    const skill = join(home, 'skills', 'quagga')
    mkdirSync(skill, { recursive: true })
    writeFileSync(
      join(skill, 'SKILL.md'),
      '---\nname: quagga\ndescription: Draws a quagga in plain characters.\n---\nUse few lines.\n',
    )
    const next = model.next()
    const run = await runCodexExec({ home, prompt: 'Say hello.' })
    expect(run.code, run.stderr).toBe(0)
    expect(run.stdout.trim()).toBe('done')
    const asked = await next
    expect(asked.text).toContain('Speak of the zebra crossing.')
    expect(asked.text).toContain('Draws a quagga in plain characters.')
    expect(asked.text).toContain('Say hello.')
    expect(model.requests).toHaveLength(1)
  })
})
