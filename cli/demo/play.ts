/**
 * The play: a master and a follower, from the first key to a power cut.
 * Always holds: a step says only what it has checked by reading the follower's files.
 */

import { exitCodes } from '../../schemas/code.ts'
import { Fault } from '../../schemas/fault.ts'
import { demoCutsMax, demoLookMs } from '../../schemas/limits-cli.ts'
import { masterStatus } from '../../schemas/report.ts'
import { hash, v } from '../../schemas/shape.ts'
import { Machine, must } from './machine.ts'
import { onLoopback, Pair } from './pair.ts'
import * as sample from './sample.ts'
import type { Stage } from './stage.ts'
import type { Story } from './story.ts'

export async function play(stage: Stage, story: Story): Promise<void> {
  const pair = await Pair.make(stage)
  const { agents } = sample

  story.chapter('A master, and a follower that joins it')
  await story.step(
    'init',
    () => pair.master.run(exitCodes.done, initialised, 'master', 'init'),
    async () => ({ says: '`master init` makes its keys and begins a signed log' }),
  )
  await story.step(
    'serve',
    () => pair.serve(),
    async () => {
      const { files } = await pair.master.run(exitCodes.done, masterStatus, 'status')
      must(files === sample.canonical.size, `The master published ${files} files.`)
      return { says: `\`master serve\` publishes the ${files} files of its Codex home` }
    },
  )
  await story.step(
    'join',
    () => pair.join(),
    async () => {
      await pair.mustAgree()
      return { says: '`follower join LINK` brings them over; chats and history stay out' }
    },
  )

  story.chapter('What changes on the master changes on the follower', 'saved → in place')
  await story.step(
    'edit',
    () => pair.carry(new Map([[agents, sample.agentsEdited]])),
    async () => {
      await pair.mustAgree()
      return { says: `${agents} is edited` }
    },
  )
  await story.step(
    'skill',
    () => pair.carry(sample.release),
    async () => {
      await pair.mustAgree()
      await mustBeScripts(pair)
      return { says: 'A skill is added; its script arrives executable' }
    },
  )
  await story.step(
    'deletion',
    () => pair.carry(new Map([[sample.standup, null]])),
    async (backups) => {
      await pair.mustAgree()
      await pair.mustKeep(sample.standupText, backups)
      return { says: 'A prompt is deleted; the follower keeps it in a backup' }
    },
  )

  story.chapter('What you edit on a follower is never overwritten')
  await pair.follower.put(agents, sample.agentsHere)
  await story.step(
    'conflict',
    async () => {
      await pair.publish(new Map([[agents, sample.agentsThere]]))
      return pair.follower.run(exitCodes.conflicts, conflicted, 'sync')
    },
    async ({ conflicts }) => {
      must(conflicts.length === 1 && conflicts[0]?.path === agents, `No conflict was reported for ${agents}.`)
      await pair.mustAgree(new Map([[agents, sample.agentsHere]]))
      return { says: `${agents} edited on both: yours stays, a conflict waits (exit 3)` }
    },
  )
  await story.step(
    'resolve',
    () => pair.resolve(agents),
    async (backups) => {
      await pair.mustAgree()
      await pair.mustKeep(sample.agentsHere, backups)
      return { says: "`resolve` takes the master's, as you chose; yours is in a backup" }
    },
  )

  story.chapter('Nobody else can pose as the master')
  await pair.stop()
  const impostor = await Machine.make(stage, 'impostor', sample.bait)
  await impostor.run(exitCodes.done, initialised, 'master', 'init')
  const trap = impostor.start('master', 'serve', '--port', String(pair.port), ...onLoopback)
  await trap.event('listening')
  await story.step(
    'impostor',
    () => pair.follower.run(exitCodes.trust, refused, 'sync'),
    async ({ error }) => {
      must(error.code === 'pin-mismatch', `The impostor was refused for another reason (${error.code}).`)
      await pair.mustAgree()
      return { says: 'An impostor takes its address: wrong key, refused (exit 4)' }
    },
  )
  await trap.stop()
  await pair.serve()
  const handbook = sample.chapters(1)
  await story.step(
    'return',
    () => pair.carry(handbook),
    async () => {
      await pair.mustAgree()
      return { says: `The real master is back; a skill of ${handbook.size} files arrives` }
    },
  )

  story.chapter('A power cut in mid-sync breaks no file')
  await story.step(
    'cut',
    () => cutOff(pair),
    async ({ fresh, old }) => ({
      says: `\`kill -9\` halfway: ${fresh} files are new, ${old} old, none half written`,
      files: { new: fresh, old, torn: 0 },
    }),
  )
  await story.step(
    'recovery',
    () => pair.sync(),
    async () => {
      await pair.mustAgree()
      return { says: `The next \`sync\` finishes it: all ${handbook.size} are new and whole` }
    },
  )
  await pair.stop()
}

const initialised = v.object({ role: v.literal('master'), fingerprint: hash })
const conflicted = v.object({ conflicts: v.array(v.object({ path: v.string() })) })
const refused = v.object({ error: v.object({ code: v.string() }) })

async function mustBeScripts({ stage: { disk }, follower }: Pair): Promise<void> {
  if (disk.windows) return
  for (const path of sample.release.keys()) {
    const stat = await disk.stat(follower.at(path))
    const runs = ((stat?.mode ?? 0) & 0o100) !== 0
    must(runs === path.endsWith('.sh'), `On the follower ${path} ${runs ? 'can' : 'cannot'} be run.`)
  }
}

/** Kills a sync that has replaced some of its files and not yet the others, and reads them all. */
async function cutOff(pair: Pair): Promise<{ readonly fresh: number; readonly old: number }> {
  const { stage, follower } = pair
  const { clock, signal } = stage.context
  for (let edition = 2; edition < 2 + demoCutsMax; edition++) {
    const before = sample.chapters(edition - 1)
    const after = sample.chapters(edition)
    await pair.publish(after)
    // Replacing gives a name to another file, so its identity tells the moment.
    const watched = follower.at([...after.keys()][Math.floor(after.size / 3)] ?? '')
    const identity = async () => (await stage.disk.stat(watched))?.ino
    const old = await identity()
    const sync = follower.start('sync')
    while (!sync.over && (await identity()) === old) await clock.wait(demoLookMs, signal)
    sync.kill()
    const ended = await sync.result()
    const found = await follower.files()
    const counted = { fresh: 0, old: 0 }
    for (const [path, text] of after) {
      const now = found.get(path)
      must(now === text || now === before.get(path), `On the follower ${path} is neither old nor new.`)
      counted[now === text ? 'fresh' : 'old']++
    }
    if (ended.exit === null && counted.fresh > 0 && counted.old > 0) return counted
    // Too late: it was done. Once more, from where all of them are as published.
    await pair.sync()
  }
  throw new Fault('demo-failed', 'The sync was too fast to be cut off in the middle.')
}
