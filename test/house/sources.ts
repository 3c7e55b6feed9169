/**
 * What the house tests read: every source file of the project, as text, with its imports.
 * Always holds: files come from the folders as they are, so a rule covers a new file the moment it exists.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, posix } from 'node:path'
import { fileURLToPath } from 'node:url'

export const project = fileURLToPath(new URL('../..', import.meta.url))

/** From the bottom up: each may import itself and what stands before it. */
export const layers = ['schemas', 'engine', 'transport', 'cli'] as const
export const besides = ['test', 'bench', 'scripts'] as const

export type Import = {
  /** As written. */
  readonly from: string
  /** A file of the project, a builtin without `node:`, or the name of a package. */
  readonly kind: 'file' | 'builtin' | 'package'
  readonly name: string
}
export type Source = {
  /** From the project's root, with `/`. */
  readonly path: string
  readonly text: string
  /** The text without comments and with empty strings: what the compiler acts on. */
  readonly code: string
  readonly imports: readonly Import[]
}

/** Every path below a folder of the project; none when it does not exist. */
export function below(folder: string): string[] {
  if (!existsSync(`${project}${folder}`)) return []
  return readdirSync(`${project}${folder}`, { withFileTypes: true })
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`
      return entry.isDirectory() ? below(path) : [path]
    })
    .sort()
}

const importForm = /^\s*(?:import|export)\b[^'"]*?\bfrom\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm
const lazyForm = /\b(?:import|require|createRequire\([^)]*\))\(\s*['"]([^'"]+)['"]\s*\)/g

function readImport(path: string, from: string): Import {
  if (from.startsWith('.'))
    return { from, kind: 'file', name: posix.normalize(posix.join(posix.dirname(path), from)) }
  if (from.startsWith('node:')) return { from, kind: 'builtin', name: from.slice('node:'.length) }
  const [scope = '', name = ''] = from.split('/')
  return { from, kind: 'package', name: scope.startsWith('@') ? `${scope}/${name}` : scope }
}

const tokenForm =
  /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\[\s\S]|[^`\\])*`|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g

function strip(text: string, strings: boolean): string {
  return text.replace(tokenForm, (token) => {
    if (token.startsWith('/')) return token.replace(/[^\n]/g, ' ')
    return strings ? token : `${token[0]}${token.slice(1, -1).replace(/[^\n]/g, ' ')}${token[0]}`
  })
}

function readSource(path: string): Source {
  const text = readFileSync(`${project}${path}`, 'utf8')
  const told = strip(text, true)
  const found = [...told.matchAll(importForm), ...told.matchAll(lazyForm)]
  return {
    path,
    text,
    code: strip(text, false),
    imports: found.map((match) => readImport(path, match[1] ?? match[2] ?? '')),
  }
}

const isSource = (path: string): boolean => /\.(?:ts|js|mjs)$/.test(path)
/** What is shipped. */
export const product: readonly Source[] = layers.flatMap(below).filter(isSource).map(readSource)
/** What checks and measures it. */
export const others: readonly Source[] = besides.flatMap(below).filter(isSource).map(readSource)
export const everything: readonly Source[] = [...product, ...others]
export const tests: readonly Source[] = others.filter((source) => source.path.startsWith('test/'))

/** Every folder that holds a source file, and every folder above it below the root. */
export function sourceFolders(): string[] {
  const folders = new Set<string>()
  for (const { path } of everything) {
    for (let folder = dirname(path); folder !== '.'; folder = dirname(folder)) folders.add(folder)
  }
  return [...folders].sort()
}

/** The lines of a source at which a pattern matches, as `path:line`. */
export function hits(source: Source, pattern: RegExp, text: string = source.code): string[] {
  return text
    .split('\n')
    .flatMap((line, index) => (pattern.test(line) ? [`${source.path}:${index + 1}: ${line.trim()}`] : []))
}
