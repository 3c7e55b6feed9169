/**
 * The folder that a run writes to, and the processes that it starts.
 * Always holds: `remove` ends every process started here, by its id, and leaves no file behind. Nothing is removed
 * before: on some file systems a new file costs many times as much while others were deleted lately.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'

/** Far above what anything measured here takes. */
const commandTimeoutMs = 120_000

/** `allMs` also counts what the process left behind, when that was waited for. */
export type Done = { readonly ms: number; readonly allMs: number; readonly stdout: string }
type Env = Readonly<Record<string, string>>
/**
 * `input` is a file for standard input. With `behind` whatever the process leaves behind is waited for too: all of them
 * hold one more pipe, which ends with the last one, whatever they do with the other three. `started` is told its id.
 */
type How = {
  readonly input?: string
  readonly behind?: boolean
  readonly started?: (pid: number) => void
}

export class Scratch {
  readonly root = realpathSync(mkdtempSync(join(tmpdir(), 'stemma-bench-')))
  readonly #running = new Set<ChildProcess>()
  #folders = 0

  /** A new empty folder. */
  folder(name: string): string {
    const path = join(this.root, `${++this.#folders}-${name}`)
    mkdirSync(path)
    return path
  }

  /** A process with nothing of the caller's environment but the search path. */
  start(command: string, args: readonly string[], env: Env = {}, { input, behind }: How = {}): ChildProcess {
    const stdin = input === undefined ? 'ignore' : openSync(input, 'r')
    const options: SpawnOptions = {
      cwd: this.root,
      env: { PATH: process.env['PATH'] ?? '', HOME: this.root, LANG: 'C.UTF-8', NO_COLOR: '1', ...env },
      stdio: [stdin, 'pipe', 'pipe', ...(behind ? ['pipe' as const] : [])],
    }
    const child = spawn(command, args, options)
    if (stdin !== 'ignore') closeSync(stdin)
    this.#running.add(child)
    child.once('close', () => this.#running.delete(child))
    return child
  }

  /** Runs a command to its end; the time is that of the whole process. Throws when it fails. */
  async run(command: string, args: readonly string[], env: Env = {}, how: How = {}): Promise<Done> {
    const began = performance.now()
    const child = this.start(command, args, env, how)
    how.started?.(child.pid ?? 0)
    // Nothing is said there; a stream that nobody reads does not end.
    const held = child.stdio[3]
    if (held instanceof Readable) held.resume()
    let stdout = ''
    let stderr = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const late = setTimeout(() => child.kill('SIGKILL'), commandTimeoutMs)
    const { status, ms, allMs } = await new Promise<Omit<Done, 'stdout'> & { status: number | null }>(
      (resolve, reject) => {
        let ms = 0
        child.once('error', reject)
        child.once('exit', () => {
          ms = performance.now() - began
        })
        child.once('close', (status) => resolve({ status, ms, allMs: performance.now() - began }))
      },
    ).finally(() => clearTimeout(late))
    if (status !== 0)
      throw new Error(`\`${command} ${args.join(' ')}\` ended with ${status}: ${stderr}${stdout}`)
    return { ms, allMs, stdout }
  }

  /** Ends one process and waits for its end. */
  async end(child: ChildProcess): Promise<void> {
    if (!this.#running.has(child)) return
    const ended = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await ended
    clearTimeout(late)
  }

  async remove(): Promise<void> {
    for (const child of this.#running) await this.end(child)
    rmSync(this.root, { recursive: true, force: true })
  }
}
