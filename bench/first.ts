/**
 * The first call of a process: `node first.js FILE`, the file being a `FirstCall`. Says how long the modules took to
 * load, and how long the call took, in milliseconds.
 * Always holds: nothing of what is measured was loaded or run before.
 */
import { readFileSync } from 'node:fs'
import type { MergeInput } from '../engine/merge/merge.ts'
import type { FirstCall, Told } from './merge.ts'

const call: FirstCall = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8'))

const began = performance.now()
const act = 'merge' in call ? await loadMerge(call.merge) : await loadParse(call.parse)
const loaded = performance.now()
act()
const told: Told = { loadMs: loaded - began, callMs: performance.now() - loaded }
process.stdout.write(JSON.stringify(told))

async function loadMerge(input: MergeInput): Promise<() => void> {
  const { mergeConfig } = await import('../engine/merge/merge.ts')
  return () => void mergeConfig(input)
}

async function loadParse(texts: readonly string[]): Promise<() => void> {
  const { readToml } = await import('../engine/toml/toml.ts')
  return () => {
    for (const text of texts) readToml(text)
  }
}
