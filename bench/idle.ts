/** What a process has spent, and what it holds, as Linux tells. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'

/** Of all its threads; the first number of `schedstat` is their time on a processor, in nanoseconds. */
export function cpuMs(pid: number): number {
  const threads = readdirSync(`/proc/${pid}/task`)
  const spent = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8'))
  return spent.reduce((sum, line) => sum + Number(line.split(' ')[0]) / 1e6, 0)
}

export const residentMb = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1_000

/** The most that it ever held; 0 for one that has just ended, or on another system. */
export function peakMb(pid: number): number {
  if (!existsSync(`/proc/${pid}/status`)) return 0
  return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1_000
}
