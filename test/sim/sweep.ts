/**
 * The call sweep: a scenario is run once for every disk call it makes and every fault that can strike there.
 * Always holds: each run starts from the same prepared disk and the same seeds, so a failure is repeated by its
 * seed, call and fault, which the thrown error names.
 */
import { Fault } from '../../schemas/fault.ts'
import { SimClock } from './clock.ts'
import { type DiskFaultKind, diskFaults, PowerCut, SimDisk, type TracedCall } from './disk.ts'
import { SimIds } from './ids.ts'
import { Random } from './random.ts'

/** What a scenario works with beside the disk. `acked` is what it was told is durable: push right after the call that says so. */
export type World<T> = {
  readonly acked: T[]
  readonly ids: SimIds
  readonly clock: SimClock
  readonly random: Random
  /** Says that what it is about begins: a slice strikes no call before. */
  readonly begin: () => void
}

/** Which fault struck, and in which state `check` finds the disk. */
export type Outcome<T> = {
  /** Null for the run without a fault. */
  readonly fault: DiskFaultKind | null
  /** The struck call, counted from 1, and what it was; null without a fault. */
  readonly call: number
  readonly at: TracedCall | null
  /**
   * `alive`: the same disk after an error. `killed`: the process died, the system goes on. `rebooted`: the power
   * was cut. `again`: the power was cut after an earlier `check` of the same run had returned.
   */
  readonly after: 'alive' | 'killed' | 'rebooted' | 'again'
  /** What ended `run`: a Fault, a PowerCut, or null. */
  readonly error: unknown
  readonly acked: readonly T[]
  readonly world: World<T>
}

export type Scenario<T> = {
  readonly name: string
  readonly seed?: number
  readonly windows?: boolean
  /** Faults to try; all of them by default. */
  readonly faults?: readonly DiskFaultKind[]
  /**
   * The calls, counted from 1, that a fault strikes, chosen from those of the run without one; `before` of them came
   * before its `begin`. All by default.
   */
  readonly strikes?: (trace: readonly TracedCall[], fault: DiskFaultKind, before: number) => readonly number[]
  /** Reboots with different seeds after every crash. */
  readonly reboots?: number
  /** Makes the disk that every run begins with; all of it counts as durable. */
  readonly prepare?: (disk: SimDisk, world: World<T>) => Promise<void>
  readonly run: (disk: SimDisk, world: World<T>) => Promise<void>
  /** Heals as the program does at its next start, then throws when anything promised does not hold. */
  readonly check: (disk: SimDisk, outcome: Outcome<T>) => Promise<void>
}

/** How much was tried, for tests that want to say so. */
export type Swept = { readonly calls: number; readonly runs: number; readonly checks: number }

export async function sweep<T = never>(scenario: Scenario<T>): Promise<Swept> {
  const { name, seed = 1, windows = false, faults = diskFaults, reboots = 4 } = scenario
  const draft = new SimDisk({ seed, windows })
  await scenario.prepare?.(
    draft,
    worldOf(seed, () => undefined),
  )
  const prepared = draft.settled()
  let before = 0
  let runs = 0
  let checks = 0

  /** Returns the calls of the run. */
  const attempt = async (call: number, fault: DiskFaultKind | null): Promise<readonly TracedCall[]> => {
    const runSeed = mix(seed, call, fault === null ? 0 : 1 + diskFaults.indexOf(fault))
    const disk = prepared.clone(runSeed)
    if (fault !== null) disk.failAt(call, fault)
    const world = worldOf<T>(seed, () => {
      before = disk.calls
    })
    const error = await ending(scenario.run(disk, world))
    runs++
    const calls = disk.calls
    const tell = (what: string, cause: unknown) => {
      const at = disk.trace[call - 1]
      const place = fault === null ? 'no fault' : `${fault} at call ${call} (${at?.call} ${at?.path})`
      const why = cause instanceof Error ? cause.message : String(cause)
      return new Error(`${name}${windows ? ' on Windows' : ''}: ${place}, seed ${seed}, ${what}: ${why}`, {
        cause,
      })
    }
    if (fault !== null && calls < call)
      throw tell('run', 'the call was never made: the scenario is not repeatable')
    if (error !== null && !(error instanceof Fault) && !(error instanceof PowerCut)) throw tell('run', error)
    if (fault === null && error !== null) throw tell('run', error)

    const inspect = async (what: string, found: SimDisk, after: Outcome<T>['after']) => {
      checks++
      const at = disk.trace[call - 1] ?? null
      try {
        await scenario.check(found, { fault, call, at, after, error, acked: world.acked, world })
      } catch (cause) {
        throw tell(what, cause)
      }
    }
    const crashed = fault === 'crash-before' || fault === 'crash-after' || fault === 'torn'
    for (let reboot = 0; (crashed || fault === null) && reboot < reboots; reboot++) {
      const rebootSeed = runSeed * 4 + (reboot < 4 ? reboot : 2 + (reboot % 2))
      await inspect(`rebooted with seed ${rebootSeed}`, disk.reboot(rebootSeed), 'rebooted')
    }
    const after = crashed ? 'killed' : 'alive'
    const next = crashed ? disk.restart() : disk
    await inspect(after, next, after)
    // What that start found and relied on must be durable by now, not only seen.
    await inspect(`${after}, then a power cut`, next.reboot(0), 'again')
    return disk.trace.slice(0, calls)
  }

  const trace = await attempt(0, null)
  const chosen = new Map(faults.map((fault) => [fault, new Set(scenario.strikes?.(trace, fault, before))]))
  for (let call = 1; call <= trace.length; call++)
    for (const [fault, calls] of chosen) if (!scenario.strikes || calls.has(call)) await attempt(call, fault)
  return { calls: trace.length, runs, checks }
}

const worldOf = <T>(seed: number, begin: () => void): World<T> => ({
  acked: [],
  begin,
  ids: new SimIds(seed),
  clock: new SimClock(),
  random: new Random(seed),
})

/** What a run was ended by; null when it came to its end. */
async function ending(run: Promise<void>): Promise<unknown> {
  try {
    await run
    return null
  } catch (error) {
    return error
  }
}

/** A seed of its own for each run, below 2^28 so that four times it stays exact. */
const mix = (seed: number, call: number, fault: number): number =>
  new Random(seed * 1_000_003 + call * 16 + fault).below(2 ** 28)
