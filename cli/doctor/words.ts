/**
 * What stemma's own command lines name, read back out of them: the hook's, the shim's and the launcher's.
 * Always holds: what `hookCommand`, `shimScript` and `launcherPlan` write is read as it was given; anything else yields null.
 */
import { decodeCommand } from '../../engine/compose/hooks.ts'

export type HookWords = {
  readonly node: string
  readonly script: string
  readonly moment: string
  readonly stemmaHome: string
  readonly codexHome: string
}

export function readHookCommand(command: string): HookWords | null {
  const words = wordsOf(command)
  const rest = words[0] === '/bin/sh' && words[1] === '-c' ? words.slice(3) : words
  const [node, script, moment, stemmaHome, codexHome, ...more] = rest
  if (!node || !script || !moment || !stemmaHome || !codexHome || more.length > 0) return null
  return { node, script, moment, stemmaHome, codexHome }
}

/** What the shim starts before Codex. */
export const readShim = (text: string): { readonly node: string; readonly script: string } | null =>
  readNamed(text, 'script')

/** What the launcher of a service starts, as long as that is there. */
export const readLauncher = (text: string): { readonly node: string; readonly script: string } | null =>
  readNamed(text, 'main')

function readNamed(text: string, what: string): { readonly node: string; readonly script: string } | null {
  const isBatch = text.startsWith('@echo off')
  const named = (name: string) =>
    isBatch
      ? fromBatch(new RegExp(`^set "STEMMA_${name.toUpperCase()}=(.*)"\r?$`, 'm').exec(text)?.[1] ?? '')
      : wordsOf(new RegExp(`^stemma_${name}=(.*)$`, 'm').exec(text)?.[1] ?? '')[0]
  const [node, script] = [named('node'), named(what)]
  return node && script ? { node, script } : null
}

const fromBatch = (path: string): string => path.replaceAll('%%', '%')

/** The words of a line for a POSIX shell, cmd.exe or PowerShell, of the few forms that we write. */
function wordsOf(line: string): readonly string[] {
  const decoded = decodeCommand(line)
  if (decoded !== null)
    return [...decoded.matchAll(/'((?:[^']|'')*)'/g)].map(([, word = '']) => word.replaceAll("''", "'"))
  const words: string[] = []
  let word: string | null = null
  for (const [piece] of line.matchAll(/'[^']*'|\\'|\s+|[^\s'\\]+|\\/g)) {
    if (/^\s/.test(piece)) {
      if (word !== null) words.push(word)
      word = null
    } else if (piece === "\\'") word = `${word ?? ''}'`
    else word = `${word ?? ''}${piece.startsWith("'") ? piece.slice(1, -1) : piece}`
  }
  return word === null ? words : [...words, word]
}
