/** Where the figures were made: without this they say nothing. */
import { closeSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { arch, cpus, platform, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { spreadOf } from './contest.ts'
import type { Report } from './report.ts'
import type { Scratch } from './scratch.ts'

const syncTries = 50

export function describeMachine(scratch: Scratch): Report['machine'] {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${platform()} ${arch()} ${release()}`,
    node: process.version,
    fileSystem: fileSystemOf(scratch.root),
    syncMs: spreadOf(syncTimes(scratch.folder('sync'))),
  }
}

/** Linux names it; elsewhere nothing in Node does. */
function fileSystemOf(path: string): string {
  if (platform() !== 'linux') return 'unknown'
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => /^(?:\S+ ){4}(\S+) .*? - (\S+) /.exec(line))
    .flatMap((found) => (found?.[1] && found[2] ? [{ at: found[1], type: found[2] }] : []))
    .filter(({ at }) => at === '/' || path === at || path.startsWith(`${at}/`))
  return mounts.sort((a, b) => b.at.length - a.at.length)[0]?.type ?? 'unknown'
}

/** What one new file of 4 KiB costs until it is durable. */
function syncTimes(folder: string): number[] {
  const content = Buffer.alloc(4096, 's')
  return Array.from({ length: syncTries }, (_, index) => {
    const began = performance.now()
    const fd = openSync(join(folder, String(index)), 'wx')
    writeSync(fd, content)
    fsyncSync(fd)
    closeSync(fd)
    return performance.now() - began
  })
}
