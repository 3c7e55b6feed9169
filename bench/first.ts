/**
 * The first call of a process: `node first.js merge|parse FILE`, the file being a `MergeCase`. Says how long its modules
 * took to load, and how long the call took, in milliseconds.
 * Always holds: nothing of what is measured was loaded or run before.
 */
import { readFileSync } from 'node:fs'
import type { MergeCase } from './merge.ts'

const [act, file = ''] = process.argv.slice(2)
const { input, merged }: MergeCase = JSON.parse(readFileSync(file, 'utf8'))

const began = performance.now()
const call = act === 'merge' ? await loadMerge() : await loadParse()
const loaded = performance.now()
call()
const ended = performance.now()
process.stdout.write(JSON.stringify({ loadMs: loaded - began, callMs: ended - loaded }))

async function loadMerge(): Promise<() => void> {
  const { mergeConfig } = await import('../engine/merge/merge.ts')
  return () => void mergeConfig(input)
}

async function loadParse(): Promise<() => void> {
  const { readToml } = await import('../engine/toml/toml.ts')
  return () => {
    readToml(input.canonical)
    readToml(merged)
  }
}
