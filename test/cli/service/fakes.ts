/**
 * Programs that stand in for the service managers: real processes on PATH, which write down how they were called.
 * A fake `systemctl restart` really starts what the unit says, and `stop` ends it.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { quoteSh } from '../../../cli/shim/command.ts'

const script = (folder: string, units: string): string => `#!/bin/sh
cd ${quoteSh(folder)} || exit 9
name=\${0##*/}
echo "$name $*" >>called
for word; do
  if [ -f "fail $word" ]; then cat "fail $word" >&2; exit 1; fi
done
case "$name $*" in
  *' restart '* | *' stop '*)
    # As a real one does, it waits for the end.
    if [ -f pid ]; then
      kill "$(cat pid)" 2>/dev/null
      while kill -0 "$(cat pid)" 2>/dev/null; do sleep 0.05; done
      rm pid
    fi
    ;;
esac
case "$name $*" in
  *' restart '*)
    if [ -f start ]; then
      for unit; do :; done
      eval "set -- $(sed -n 's/^ExecStart=//p' ${quoteSh(units)}/"$unit")"
      "$@" </dev/null >said 2>&1 &
      echo $! >pid
    fi
    ;;
  *' --property=ActiveState '*) if [ -f pid ]; then echo ActiveState=active; else echo ActiveState=inactive; fi ;;
  *' --property=Linger') if [ -f linger ]; then cat linger; else exit 1; fi ;;
esac
`

export class Fakes {
  /** To be the whole PATH, or its beginning. */
  readonly bin: string
  readonly #folder: string

  constructor(folder: string, units: string) {
    this.#folder = folder
    this.bin = join(folder, 'bin')
    mkdirSync(this.bin, { recursive: true })
    const file = join(folder, 'fake')
    writeFileSync(file, script(folder, units))
    chmodSync(file, 0o755)
    for (const name of ['systemctl', 'loginctl', 'launchctl', 'schtasks'])
      symlinkSync(file, join(this.bin, name))
  }

  /** How they were called since the last time that somebody asked. */
  called(): string[] {
    const file = join(this.#folder, 'called')
    const lines = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : []
    rmSync(file, { force: true })
    return lines
  }

  /** What they know or do from now on: `start`, `linger`, `fail WORD`. */
  set(what: string, text = ''): void {
    writeFileSync(join(this.#folder, what), text)
  }
  unset(what: string): void {
    rmSync(join(this.#folder, what), { force: true })
  }

  /** Ends what they started. */
  close(): void {
    try {
      if (this.pid !== null) process.kill(this.pid, 'SIGKILL')
    } catch {
      // It has ended by itself.
    }
  }

  /** The service that they started; null when none runs. */
  get pid(): number | null {
    const file = join(this.#folder, 'pid')
    return existsSync(file) ? Number(readFileSync(file, 'utf8')) : null
  }
}

let lastPort = 20_000 + (process.pid % 1_000) * 10
/**
 * A port that nobody has now, and that the system gives to nobody who does not ask for it: it is still free when a
 * service is started again.
 */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    lastPort++
    const server = createServer()
      .once('error', () => resolve(freePort()))
      .listen(lastPort, '127.0.0.1', () => {
        const port = lastPort
        server.close(() => resolve(port))
      })
  })

/** Without a word to whoever listens. */
export const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
      .once('error', () => resolve(false))
      .once('connect', () => {
        socket.destroy()
        resolve(true)
      })
  })
