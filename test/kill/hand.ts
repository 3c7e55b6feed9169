/**
 * Codex and its user on a follower: they trust folders, approve tools and hooks, and add a hook of their own.
 * Always holds: each file is replaced by a rename, for its owner alone, as Codex does; what was written is
 * remembered, to be looked for after every kill.
 */
import { mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Machine } from '../e2e/machine.ts'
import type { Random } from '../sim/random.ts'
import { approvalEntry, mine, nothingLocal, projectEntry, toolEntry, withMine } from './sealed.ts'

/** Puts a file that holds secrets into a Codex home, whole at once. */
export function writeSealed({ codexHome }: Pick<Machine, 'codexHome'>, path: string, text: string): void {
  const beside = join(dirname(codexHome), 'written-sealed')
  const file = join(codexHome, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(beside, text, { mode: 0o600 })
  renameSync(beside, file)
}

/** hooks.json as Codex names it. */
export const hooksFile = (codexHome: string): string => join(realpathSync(codexHome), 'hooks.json')

export class Hand {
  readonly local = nothingLocal()
  readonly #machine: Machine

  constructor(machine: Machine) {
    this.#machine = machine
  }

  /** One more answer to what Codex asks. */
  answer(random: Random): void {
    const name = `n${this.local.projects.length + this.local.tools.length}`
    if (random.chance(0.5)) {
      this.#append(projectEntry(`/srv/${name}`))
      this.local.projects.push(`/srv/${name}`)
    } else {
      this.#append(toolEntry(name))
      this.local.tools.push(name)
    }
  }

  /** A hook of the user's own, approved in Codex. */
  addHook(): void {
    const hooks = withMine(this.#read('hooks.json'))
    writeSealed(this.#machine, 'hooks.json', hooks)
    this.#append(approvalEntry(hooksFile(this.#machine.codexHome), hooks, mine))
    this.local.mine = true
  }

  #append(entry: string): void {
    writeSealed(this.#machine, 'config.toml', this.#read('config.toml') + entry)
  }

  #read(path: string): string {
    return readFileSync(join(this.#machine.codexHome, path), 'utf8')
  }
}
