/** Processes that are left behind: which words and which variables they get. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Job } from '../../../cli/hook/freshen.ts'
import { startJob } from '../../../cli/hook/start.ts'

let root: string
let script: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stemma-start-'))
  script = join(root, 'main.cjs')
  const told = '[process.argv.slice(2), process.env.NODE_OPTIONS, process.env.NODE_PATH, process.env.MINE]'
  writeFileSync(
    script,
    `require('node:fs').writeFileSync(${JSON.stringify(join(root, 'told'))}, JSON.stringify(${told}))`,
  )
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

test.each<[Job, readonly string[]]>([
  ['sync', ['sync', '--json']],
  ['apply', ['apply', '--json', '--ended', 'thread']],
])('S51: what the user tells Node is not for %s, everything else is', async (job, words) => {
  const env = { ...process.env, NODE_OPTIONS: '--require /nowhere.cjs', NODE_PATH: root, MINE: 'mine' }
  const place = { main: script, hook: script, env, stemmaHome: root, codexHome: root, ended: 'thread' }
  await startJob(place, job).ended
  expect(JSON.parse(readFileSync(join(root, 'told'), 'utf8'))).toEqual([words, null, null, 'mine'])
})

test('S51: nor for the work behind a session', async () => {
  const env = { ...process.env, NODE_OPTIONS: '--require /nowhere.cjs' }
  const place = { main: script, hook: script, env, stemmaHome: root, codexHome: '/c', ended: null }
  await startJob(place, 'work').ended
  expect(JSON.parse(readFileSync(join(root, 'told'), 'utf8')).slice(0, 2)).toEqual([
    ['work', root, '/c'],
    null,
  ])
})
