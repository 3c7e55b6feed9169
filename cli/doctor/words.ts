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
export function readShim(text: string): { readonly node: string; readonly script: string } | null {
  const batch = /^if exist "([^"]+)" if exist "([^"]+)" /m.exec(text)
  if (batch) return { node: fromBatch(batch[1] ?? ''), script: fromBatch(batch[2] ?? '') }
  const named = (name: string) => wordsOf(new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '')[0]
  const [node, script] = [named('stemma_node'), named('stemma_script')]
  return node && script ? { node, script } : null
}

/** What the launcher of a service starts, as long as that is there. */
export function readLauncher(text: string): { readonly node: string; readonly script: string } | null {
  const batch = (name: string) => new RegExp(`^set "${name}=(.*)"\r?$`, 'm').exec(text)?.[1]
  const plain = (name: string) => wordsOf(new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1] ?? '')[0]
  const [node, script] = [
    batch('STEMMA_NODE') ?? plain('stemma_node'),
    batch('STEMMA_MAIN') ?? plain('stemma_main'),
  ].map((word) => (text.startsWith('@echo off') ? fromBatch(word ?? '') : word))
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
