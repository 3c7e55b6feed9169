/**
 * The daemon that a TUI of Codex leaves behind, of one home.
 * Always holds: `endDaemon` leaves neither its processes nor its sockets, which lie outside of the home.
 */
import { lstatSync, readFileSync, readlinkSync, rmSync } from 'node:fs'
import { join } from 'node:path'

/** The daemon and its updater, once both have said who they are. */
export const daemonsOf = (home: string): readonly number[] =>
  ['daemon.pid', 'daemon-updater.pid'].flatMap((name) => {
    try {
      const told: unknown = JSON.parse(readFileSync(join(home, 'app-server-daemon', name), 'utf8'))
      return typeof told === 'object' && told !== null && 'pid' in told ? [Number(told.pid)] : []
    } catch {
      return []
    }
  })

export function endDaemon(home: string): void {
  for (const pid of daemonsOf(home)) process.kill(pid, 'SIGKILL')
  for (const link of [
    'app-server-control/app-server-control.sock',
    'app-server-daemon/daemon-updater.sock',
  ]) {
    if (!lstatSync(join(home, link), { throwIfNoEntry: false })) continue
    const socket = readlinkSync(join(home, link))
    for (const left of [socket, `${socket}.lock`]) rmSync(left, { force: true })
  }
}
