/** docs/FORMAT.md and the code tell the same: every value and every path that it quotes is computed here. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { foldName, isHomePath } from '../../../schemas/path.ts'
import { exampleSegments, exampleTexts, exampleValues, keys } from './example.ts'

const text = readFileSync(fileURLToPath(new URL('../../../docs/FORMAT.md', import.meta.url)), 'utf8')

/** The content of every fenced block of a kind. */
const blocks = (kind: string): string[] =>
  [...text.matchAll(new RegExp(`^\`\`\`${kind}\\n([^]*?)^\`\`\`$`, 'gm'))].map((match) => match[1] ?? '')
const lines = (kind: string): string[] => blocks(kind).flatMap((block) => block.trimEnd().split('\n'))

/** `name:`, then indented lines of hex; `;` begins a remark. */
function quotedValues(): Record<string, string> {
  const out: Record<string, string> = {}
  let name = ''
  for (const line of lines('hex')) {
    if (line.startsWith(' ')) out[name] += (line.split(';', 1)[0] ?? '').replaceAll(/\s/g, '')
    else {
      name = line.slice(0, line.indexOf(':'))
      expect(out, 'a value is quoted once').not.toHaveProperty([name])
      out[name] = ''
    }
  }
  return out
}

const json = (value: string | undefined): string => String(JSON.parse(value ?? '""'))

test('every value in hex is what the code computes, and every one that it computes is quoted', async () => {
  const computed = Object.entries(await exampleValues()).map(([name, value]) => [name, value.toString('hex')])
  expect(quotedValues()).toEqual(Object.fromEntries(computed))
})

test('the key files and the recovery key are what the code writes', () => {
  expect(blocks('text')).toEqual(exampleTexts.map((one) => `${one.trimEnd()}\n`))
})

test('T14: every path that is said to be legal or refused is', () => {
  const told = lines('paths').map((line) => /^(".*") +(legal|refused)$/.exec(line))
  const judged = told.map((match) => [match?.[1], isHomePath(json(match?.[1])) ? 'legal' : 'refused'])
  expect(told.map((match) => [match?.[1], match?.[2]])).toEqual(judged)
  expect(judged.length).toBeGreaterThan(20)
})

test('T16: every collision key is what the code folds a name to', () => {
  const told = lines('fold').map((line) => /^(".*?") +(".*")$/.exec(line))
  expect(told.map((match) => json(match?.[2]))).toEqual(told.map((match) => foldName(json(match?.[1]))))
  expect(told.length).toBeGreaterThan(5)
})

test('the openssl commands verify the head of a segment as they stand, and refuse another', async () => {
  const [script] = blocks('sh')
  const [first, second] = await exampleSegments()
  const folder = mkdtempSync(join(tmpdir(), 'stemma-format-'))
  const run = (segment: Buffer): string => {
    writeFileSync(join(folder, 'segment'), segment)
    const env = { PATH: process.env['PATH'], KEY: keys.log.public.toString('hex'), SEGMENT: 'segment' }
    return execFileSync('bash', ['-euc', script ?? ''], { cwd: folder, env, stdio: 'pipe' }).toString()
  }
  try {
    for (const segment of [first, second]) {
      expect(run(segment)).toContain('Signature Verified Successfully')
      const spoiled = Buffer.from(segment)
      spoiled[spoiled.length - 150] = (spoiled.at(-150) ?? 0) ^ 1
      expect(() => run(spoiled)).toThrow()
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
