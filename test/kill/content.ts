/**
 * Files that know what they are: each names its path, its generation, its length and its own hash.
 * Always holds: a file that was cut off, mixed with another, or put in another's place is told from a whole one.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'

export const digest = (text: string): string => createHash('sha256').update(text).digest('hex')

/** @param word stands in every line. */
export function contentOf(path: string, generation: number, bytes: number, word = 'here'): string {
  const line = `${path} ${generation} is ${word}\n`
  const body = line.repeat(Math.max(1, Math.ceil(bytes / line.length)))
  return `${path} ${generation} ${body.length} ${digest(body)}\n${body}`
}

/** The generation of a whole file; throws when it is not whole. */
export function generationOf(path: string, content: string): number {
  const end = content.indexOf('\n')
  const [named, generation, length, hash] = content.slice(0, end).split(' ')
  const body = content.slice(end + 1)
  if (named !== path || Number(length) !== body.length || hash !== digest(body))
    throw new Error(`${path} is not whole: ${content.slice(0, 200)}`)
  return Number(generation)
}

/** Path and content of every file below a Codex home, staging apart. */
export function filesOf(codexHome: string): Map<string, string> {
  const out = new Map<string, string>()
  for (const entry of readdirSync(codexHome, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
      .slice(codexHome.length + 1)
      .split(sep)
      .join('/')
    if (entry.isFile() && !path.startsWith('.stemma-stage/'))
      out.set(path, readFileSync(join(codexHome, path), 'utf8'))
  }
  return out
}
