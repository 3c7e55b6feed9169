/**
 * A master that serves and the followers of it, as processes of the built command on loopback.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Done, Scratch } from './scratch.ts'

/** The command as it is installed, as a file for Node. */
export const command = fileURLToPath(new URL('../cli/stemma.cjs', import.meta.url))

export type Homes = { readonly STEMMA_HOME: string; readonly CODEX_HOME: string }
export const homesIn = (folder: string): Homes => ({
  STEMMA_HOME: join(folder, '.stemma'),
  CODEX_HOME: join(folder, '.codex'),
})

/** Runs a command of stemma to its end, as a process of its own. */
export const stemma = (scratch: Scratch, homes: Homes, ...args: readonly string[]): Promise<Done> =>
  scratch.run(process.execPath, [command, ...args], homes)

/** A master: its homes, its process, and what it publishes. */
export class Master {
  readonly homes: Homes
  readonly #scratch: Scratch
  #child: ChildProcess | null = null
  #link = ''
  #heard: (() => void)[] = []

  private constructor(scratch: Scratch, homes: Homes) {
    this.#scratch = scratch
    this.homes = homes
  }

  /** @param fill puts files into the Codex home before the first look. */
  static async start(scratch: Scratch, name: string, fill: (codexHome: string) => void): Promise<Master> {
    const homes = homesIn(scratch.folder(name))
    mkdirSync(homes.CODEX_HOME)
    fill(homes.CODEX_HOME)
    await stemma(scratch, homes, 'master', 'init', '--json')
    const master = new Master(scratch, homes)
    await master.serve()
    return master
  }

  get link(): string {
    return this.#link
  }

  /**
   * Serves on this port, or a free one; again after `stop`, with the counts of newcomers at zero. Returns how long it
   * took until it said that it listens.
   */
  async serve(port = 0): Promise<number> {
    const loopback = ['--host', '127.0.0.1', '--allow', '127.0.0.0/8', '--port', String(port)]
    const args = ['master', 'serve', '--json', ...loopback]
    const began = performance.now()
    const child = this.#scratch.start(process.execPath, [command, ...args], this.homes)
    this.#child = child
    const { stdout, stderr } = child
    if (!stdout || !stderr) throw new Error('bug: a child without its pipes')
    let trouble = ''
    stderr.setEncoding('utf8').on('data', (text: string) => {
      trouble += text
    })
    const servesMs = await new Promise<number>((resolve, reject) => {
      child.once('close', (status, signal) =>
        reject(new Error(`\`stemma master serve\` ended with ${signal ?? status}: ${trouble}`)),
      )
      createInterface({ input: stdout }).on('line', (line) => {
        const said: { event?: string } = JSON.parse(line)
        if (said.event === 'listening') resolve(performance.now() - began)
        if (said.event === 'published') for (const tell of this.#heard.splice(0)) tell()
      })
    })
    const { stdout: told } = await stemma(this.#scratch, this.homes, 'master', 'link', '--json')
    const { link }: { link: string } = JSON.parse(told)
    this.#link = link
    return servesMs
  }

  /** Resolves when something is published after this call, whatever `act` does meanwhile. */
  async publishes(act: () => void): Promise<void> {
    const heard = new Promise<void>((resolve) => this.#heard.push(resolve))
    act()
    await heard
  }

  get pid(): number {
    return this.#child?.pid ?? 0
  }

  async stop(): Promise<void> {
    if (this.#child) await this.#scratch.end(this.#child)
    this.#child = null
  }
}
