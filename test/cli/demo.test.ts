/** The demo believes nothing that it has not read: commands that do a little wrong, or nothing, end it. */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { builtFile } from '../e2e/machine.ts'

let build: string
let temporary: string
/** The command itself; the children of the demo start what stands in its place. */
let genuine: string
let main: string
beforeAll(() => {
  // A build of its own, with the packages of the real one.
  build = mkdtempSync(join(tmpdir(), 'stemma-build-'))
  cpSync(builtFile(), join(build, 'dist'), { recursive: true })
  writeFileSync(join(build, 'package.json'), '{ "type": "module" }\n')
  symlinkSync(join(dirname(builtFile()), 'node_modules'), join(build, 'node_modules'), 'junction')
  temporary = mkdtempSync(join(tmpdir(), 'stemma-claims-'))
  main = join(build, 'dist', 'cli', 'main.js')
  genuine = join(build, 'dist', 'cli', 'genuine.js')
  renameSync(main, genuine)
})
afterAll(() => {
  for (const folder of [build, temporary]) rmSync(folder, { recursive: true, force: true })
})

/** Runs the demo with children that do a little more than the command does. */
function demo(children: string, ...words: string[]) {
  writeFileSync(
    main,
    `import fs from 'node:fs'
const home = process.env['CODEX_HOME']
const command = process.argv.slice(2, 4).join(' ')
${children}
await import('./genuine.js')
`,
  )
  const run = spawnSync(process.execPath, [genuine, 'demo', ...words], {
    env: { PATH: process.env['PATH'], HOME: '/nowhere', TMPDIR: temporary, TEMP: temporary },
    encoding: 'utf8',
    timeout: 50_000,
  })
  return { code: run.status, out: run.stdout, err: run.stderr }
}

const atEndOf = (begin: string, act: string): string =>
  `if (command.startsWith('${begin}')) process.on('exit', (code) => { ${act} })`

const wrongs: readonly { readonly what: string; readonly children: string; readonly says: string }[] = [
  {
    what: 'a master that does not start',
    children: "if (command === 'master serve') process.argv.push('--deny', 'nonsense')",
    says: '2 (serve): `stemma master serve` ended before it said "listening": ',
  },
  {
    what: 'a join that brings too little',
    children: atEndOf('follower join', "fs.rmSync(home + '/prompts/explain.md')"),
    says: '3 (join): On the follower prompts/explain.md is missing.',
  },
  {
    what: 'one byte too many',
    children: atEndOf('sync', "fs.appendFileSync(home + '/AGENTS.md', ' ')"),
    says: '4 (edit): On the follower AGENTS.md is not as saved.',
  },
  {
    what: 'a file that nobody saved',
    children: atEndOf('sync', "fs.writeFileSync(home + '/left.tmp', '')"),
    says: '4 (edit): On the follower left.tmp should not be there.',
  },
  {
    what: 'a removal without a backup',
    children: atEndOf(
      'sync',
      "const kept = home + '/../.stemma/backups/'; for (const file of fs.readdirSync(kept)) fs.truncateSync(kept + file)",
    ),
    says: '6 (deletion): What was replaced on the follower is in no backup.',
  },
  {
    what: 'a local edit that is lost',
    children: atEndOf('sync', "if (code === 3) fs.writeFileSync(home + '/AGENTS.md', 'gone')"),
    says: '7 (conflict): On the follower AGENTS.md is not as saved.',
  },
  {
    what: 'a command that ends with an error',
    children: "if (command === 'resolve AGENTS.md') process.argv[3] = 'RTK.md'",
    says: '8 (resolve): `stemma resolve` ended with 2 instead of 0: There is no conflict at RTK.md.',
  },
  {
    what: 'an impostor that gets something in',
    children: atEndOf('sync', "if (code === 4) fs.writeFileSync(home + '/AGENTS.md', 'send')"),
    says: '9 (impostor): On the follower AGENTS.md is not as saved.',
  },
  {
    what: 'half a file',
    children: `const last = home + '/skills/handbook/chapter-300.md'
      if (command.startsWith('sync') && fs.existsSync(last)) fs.truncateSync(last, 7)`,
    says: '11 (cut): On the follower skills/handbook/chapter-300.md is neither old nor new.',
  },
]

for (const { what, children, says } of wrongs)
  test(`U3: ${what} ends the demo with one sentence, and nothing is left`, () => {
    const { code, out, err } = demo(children)
    expect(code, out + err).toBe(1)
    const [sentence = '', hint = '', ...more] = err.split('\n')
    expect(sentence).toContain(`error: The demo failed in step ${says}`)
    expect(sentence).toMatch(/[^.]\.$/)
    expect(hint).toContain('`stemma demo --keep`')
    expect(more).toEqual([''])
    expect(out).not.toContain('done and checked')
    expect(readdirSync(temporary)).toEqual([])
  })

test('U3: with --json a failure is the one object, with --keep its folder stays', () => {
  const { code, out, err } = demo(atEndOf('sync', "fs.rmSync(home + '/AGENTS.md')"), '--json', '--keep')
  expect(code, out + err).toBe(1)
  expect(JSON.parse(out)).toMatchObject({
    error: { code: 'demo-failed', facts: { step: 'edit', passed: 3 } },
  })
  const folder = /^The scratch folder is kept: (.*)\n$/.exec(err)?.[1] ?? ''
  expect(existsSync(join(folder, 'follower', '.codex', 'prompts', 'mine.md'))).toBe(true)
  expect(existsSync(join(folder, 'follower', '.codex', 'AGENTS.md'))).toBe(false)
  rmSync(folder, { recursive: true })
})
