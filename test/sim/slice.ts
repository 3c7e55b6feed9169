/**
 * A slice of a sweep, for the normal suite: of every kind of call one is struck by every fault that can show there.
 * Always holds: the same trace gives the same slice. A kind is what is called and where, with drawn names, hashes and
 * numbers left out. Where a kind is called several times each fault takes another one of them, spread from the first
 * to the last, so that all faults together meet it in early and late moments.
 */
import { type DiskFaultKind, diskFaults, type TracedCall } from './disk.ts'

/** In `npm run test:sweep` nothing is left out. */
export const sweepsAll: boolean = process.env['STEMMA_SWEEP'] === 'all'

export const kindOf = ({ call, path }: TracedCall): string =>
  `${call} ${path
    .replace(/[0-9a-f]{64}/g, '<hash>')
    .replace(/\b[a-z0-9]{20}\b/g, '<name>')
    .replace(/\d+/g, '<n>')}`

/** The calls that a fault strikes, counted from 1, without the first ones. */
export function ofEachKind(
  trace: readonly TracedCall[],
  fault: DiskFaultKind,
  before: number,
): readonly number[] {
  const byKind = new Map<string, number[]>()
  for (const [index, call] of trace.entries()) {
    if (index < before || !canShow(fault, call)) continue
    const same = byKind.get(kindOf(call))
    if (same) same.push(index + 1)
    else byKind.set(kindOf(call), [index + 1])
  }
  const turn = diskFaults.indexOf(fault) / (diskFaults.length - 1)
  return [...byKind.values()].flatMap((calls) => calls[Math.round(turn * (calls.length - 1))] ?? [])
}

/**
 * The calls that a test strikes on its own, counted from 1: of each kind one, or all in `npm run test:sweep`. The last
 * number is that of no call: nothing is struck.
 */
export function strikesOf(trace: readonly TracedCall[], fault: DiskFaultKind, before = 0): readonly number[] {
  const chosen = sweepsAll
    ? trace.map((_, index) => index + 1).filter((call) => call > before)
    : ofEachKind(trace, fault, before).toSorted((a, b) => a - b)
  return [...chosen, trace.length + 1]
}

const looking: ReadonlySet<string> = new Set([
  'stat',
  'read',
  'close',
  'list',
  'realPath',
  'readLink',
  'freeBytes',
])

/** A crash leaves another disk behind only where something changes, and the one before a call that after the last. */
function canShow(fault: DiskFaultKind, { call }: TracedCall): boolean {
  if (fault === 'crash-before') return false
  if (fault === 'torn') return call === 'write'
  return fault !== 'crash-after' || !looking.has(call)
}
