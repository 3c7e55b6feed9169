/**
 * A program in a terminal of its own, by tmux: keys go in, the screen can be read.
 * Always holds: the tmux server is private to one terminal (its socket lies in a temporary folder, no configuration
 * is read), nothing of the caller's environment reaches the program, and `close` ends both.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** A screen tells nobody that it changed: it is looked at this often, for at most so long. */
const lookEveryMs = 50
const screenTimeoutMs = 30_000

/** Null when tmux is here, else what is missing. */
export const terminalMissing = (): string | null =>
  spawnSync('tmux', ['-V']).status === 0 ? null : 'tmux is not installed'

export type Terminal = {
  /** The program's process. */
  readonly pid: number
  /** The lines on the screen, without empty ones. */
  screen(): string
  /** All that was printed, what has scrolled away included, and lines that the terminal had to break as they were. */
  printed(): readonly string[]
  /** Makes it narrower or wider. */
  resize(columns: number): void
  /** Waits until the screen passes; throws with the last one when it never does. */
  until(what: string, test: (screen: string) => boolean): Promise<string>
  /** Types a text as it is. */
  type(text: string): void
  /** Presses a key by its tmux name: `Enter`, `C-c`, `Escape`. */
  press(key: string): void
  /** Waits until the program has ended. */
  ended(): Promise<void>
  close(): void
}

/** Starts a program in a terminal, of 100 by 30 where nothing is said. */
export function openTerminal(run: {
  readonly command: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  readonly columns?: number
  readonly rows?: number
}): Terminal {
  const folder = mkdtempSync(join(tmpdir(), 'stemma-tmux-'))
  const tmux = (...args: string[]): string =>
    execFileSync('tmux', ['-S', join(folder, 'socket'), '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const pairs = Object.entries({ ...run.env, TERM: 'xterm-256color' }).map(
    ([key, value]) => `${key}=${value}`,
  )
  const command = ['env', '-i', ...pairs, ...run.command]
  const started = tmux(
    ...[
      'new-session',
      '-d',
      '-x',
      `${run.columns ?? 100}`,
      '-y',
      `${run.rows ?? 30}`,
      '-c',
      run.cwd,
      '-P',
      '-F',
      '#{pane_pid}',
    ],
    ...['--', ...command, ';', 'set-option', 'remain-on-exit', 'on'],
  )
  const screen = () =>
    tmux('capture-pane', '-p')
      .split('\n')
      .filter((line) => line.trim() !== '')
      .join('\n')
  const isOver = () => tmux('list-panes', '-F', '#{pane_dead}').trim() === '1'

  async function poll(what: string, test: () => boolean): Promise<void> {
    const end = Date.now() + screenTimeoutMs
    while (!test()) {
      if (Date.now() > end) throw new Error(`the terminal never came to ${what}:\n${screen()}`)
      await pause(lookEveryMs)
    }
  }

  return {
    pid: Number(started.trim()),
    screen,
    printed: () => tmux('capture-pane', '-p', '-J', '-S', '-').split('\n'),
    resize: (columns) => void tmux('resize-window', '-x', `${columns}`),
    async until(what, test) {
      let last = ''
      await poll(what, () => {
        last = screen()
        return test(last)
      })
      return last
    },
    type: (text) => void tmux('send-keys', '-l', '--', text),
    press: (key) => void tmux('send-keys', '--', key),
    ended: () => poll('its end', isOver),
    close() {
      spawnSync('tmux', ['-S', join(folder, 'socket'), 'kill-server'])
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
