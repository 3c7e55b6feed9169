/** What lies in a Codex home, after a kill and after everything has come together. */
import { isDeepStrictEqual } from 'node:util'
import type { Machine } from '../e2e/machine.ts'
import { filesOf, generationOf } from './content.ts'
import { hooksFile } from './hand.ts'
import {
  composedNames,
  isOurs,
  type Local,
  mine,
  nothingLocal,
  running,
  sealedGeneration,
  sealedNames,
} from './sealed.ts'

/** Which generations were ever written, by path. */
export type Written = ReadonlyMap<string, ReadonlySet<number>>

/** Old or new, and whole, with all that is this machine's own: whatever was under way. */
export function lookAtHome({ codexHome }: Machine, local: Local, written: Written): void {
  for (const [path, content] of filesOf(codexHome)) {
    const generation = generationIn(path, content, local)
    if (!written.get(path)?.has(generation))
      throw new Error(`${path} holds what was never written: ${generation}`)
  }
}

/** A follower has what its master has, and Codex would run our hooks there, and what its user approved. */
export function mustEqual(master: Machine, follower: Machine, local: Local): void {
  const [theirs, ours] = [filesOf(master.codexHome), filesOf(follower.codexHome)]
  const generations = (files: Map<string, string>, of: Local) =>
    composedNames.map((path) => generationIn(path, files.get(path) ?? '', of))
  const [wanted, found] = [generations(theirs, nothingLocal()), generations(ours, local)]
  if (!isDeepStrictEqual(found, wanted))
    throw new Error(`${composedNames} are of generations ${found} on the follower, ${wanted} on the master`)
  for (const path of new Set([...theirs.keys(), ...ours.keys()]))
    if (!isComposed(path) && theirs.get(path) !== ours.get(path))
      throw new Error(`${path} differs on the two machines`)
  const run = running(
    hooksFile(follower.codexHome),
    ours.get('hooks.json') ?? '',
    ours.get('config.toml') ?? '',
  )
  const others = run.filter((command) => !isOurs(command))
  if (run.length - others.length !== 2 || !isDeepStrictEqual(others, local.mine ? [mine] : []))
    throw new Error(
      `Codex would run ${JSON.stringify(run)}:\n${ours.get('hooks.json')}\n${ours.get('config.toml')}`,
    )
}

const isComposed = (path: string): boolean => composedNames.some((name) => name === path)
const generationIn = (path: string, content: string, local: Local): number =>
  sealedNames.includes(path) ? sealedGeneration(path, content, local) : generationOf(path, content)
