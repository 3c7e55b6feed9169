/**
 * A Codex home as people have them: an AGENTS.md, prompts, and skills with a text, notes, a script and now and
 * then a large asset. Sizes are log-normal: most files have a few kB, a few have hundreds.
 * Always holds: the same seed and amounts give the same home, with exactly `files` files and about `bytes` bytes.
 */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { Random } from './random.ts'

export type HomePlan = { readonly seed: number; readonly files: number; readonly bytes: number }

const spread = 1.1
const smallestBytes = 120
const words = 'the skill reads a file and says what it found then asks before it writes anything else'.split(
  ' ',
)

/** Makes the home; returns its paths. */
export function makeHome(root: string, { seed, files, bytes }: HomePlan): string[] {
  const random = new Random(seed)
  const paths = Array.from({ length: files }, (_, index) => pathOf(index))
  const weights = paths.map(() => Math.exp(spread * normal(random)))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  for (const [index, path] of paths.entries()) {
    const length = Math.max(smallestBytes, Math.round((bytes * (weights[index] ?? 0)) / total))
    const file = join(root, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, textOf(random, length))
    if (path.endsWith('.sh')) chmodSync(file, 0o755)
  }
  return paths
}

/** Replaces a file at once, as editors do. */
export function saveEdit(root: string, path: string, content: string): void {
  const beside = join(dirname(root), `edit-of-${path.replaceAll('/', '-')}`)
  writeFileSync(beside, content)
  renameSync(beside, join(root, path))
}

function pathOf(index: number): string {
  if (index === 0) return 'AGENTS.md'
  if (index % 18 === 0) return `prompts/prompt-${index}.md`
  const skill = `skills/skill-${Math.floor(index / 4)}`
  switch (index % 4) {
    case 0:
      return `${skill}/SKILL.md`
    case 1:
      return `${skill}/references/notes.md`
    case 2:
      return `${skill}/scripts/run.sh`
    default:
      return `${skill}/assets/data.txt`
  }
}

/** Words and numbers: it compresses about as well as a manual. */
export function textOf(random: Random, length: number): string {
  let text = ''
  while (text.length < length) {
    const line = Array.from({ length: 10 }, () => words[random.below(words.length)]).join(' ')
    text += `${line} ${random.below(2 ** 32).toString(36)}${random.below(2 ** 32).toString(36)}\n`
  }
  return text.slice(0, length)
}

/** A draw of the normal distribution (Box and Muller). */
const normal = (random: Random): number =>
  Math.sqrt(-2 * Math.log(1 - random.fraction())) * Math.cos(2 * Math.PI * random.fraction())
