/**
 * One edit: a file was saved and published at the source; how long does the command take that brings it here?
 * And how long when nothing is new? The floor is a Node process that does nothing at all.
 */
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Contender, Contest } from './contest.ts'
import { git, makeRepository } from './git.ts'
import { makeHome, saveEdit, textOf } from './home.ts'
import type { Amount } from './join.ts'
import { homesIn, Master, stemma } from './machines.ts'
import { gitAbsence, rsyncAbsence } from './peers.ts'
import { Random } from './random.ts'
import { startRsync } from './rsync.ts'
import type { Scratch } from './scratch.ts'

const editBytes = 4_000
const path = 'skills/skill-1/SKILL.md'

/** A pair of machines that are level, and how an edit gets from one to the other. */
type Pair = {
  readonly name: string
  readonly role: 'ours' | 'peer'
  publish(content: string): Promise<void>
  fetch(): Promise<number>
  /** Where the file must be afterwards. */
  readonly copy: string
}

export async function editContests(
  scratch: Scratch,
  seed: number,
  amount: Amount,
  rounds: number,
): Promise<readonly Contest[]> {
  const random = new Random(seed)
  const ours = await stemmaPair(scratch, { seed, ...amount })
  const pairs: (Pair | { name: string; why: string })[] = [ours.pair]
  const noRsync = rsyncAbsence()
  pairs.push(noRsync === null ? await rsyncPair(scratch, ours.home) : { name: 'rsync --fsync', why: noRsync })
  const noGit = gitAbsence()
  pairs.push(noGit === null ? await gitPair(scratch, ours.home) : { name: 'git pull', why: noGit })
  const bare: Contender = {
    name: 'node -e 0',
    role: 'floor',
    measure: async () => (await scratch.run(process.execPath, ['-e', '0'])).ms,
  }
  const edited = pairs.map((pair) =>
    'why' in pair
      ? pair
      : {
          name: pair.name,
          role: pair.role,
          async measure(round: number) {
            // rsync sees an edit by its size, or a second later.
            const content = textOf(random, editBytes + round)
            await pair.publish(content)
            const ms = await pair.fetch()
            if (readFileSync(pair.copy, 'utf8') !== content)
              throw new Error(`${pair.name} did not bring the edit`)
            return ms
          },
        },
  )
  const level = pairs.map((pair) =>
    'why' in pair ? pair : { name: pair.name, role: pair.role, measure: () => pair.fetch() },
  )
  const home = `in a home of ${amount.files} files`
  const shared = { unit: 'ms', better: 'less' as const, rounds }
  return [
    {
      ...shared,
      id: 'edit',
      what: `one edited file of ${editBytes} bytes ${home}, from the command to the file in place`,
      contenders: [...edited, bare],
      notes: ['whole processes; the edit was published before the clock started', 'git: from file://'],
    },
    {
      ...shared,
      id: 'level',
      what: `nothing new ${home}, from the command to its end`,
      contenders: [...level, bare],
    },
  ]
}

async function stemmaPair(scratch: Scratch, plan: Amount & { readonly seed: number }) {
  const master = await Master.start(scratch, 'master', (home) => void makeHome(home, plan))
  const homes = homesIn(scratch.folder('follower'))
  await stemma(scratch, homes, 'follower', 'join', master.link, '--yes', '--json')
  const home = master.homes.CODEX_HOME
  const pair: Pair = {
    name: 'stemma sync',
    role: 'ours',
    publish: (content) => master.publishes(() => saveEdit(home, path, content)),
    fetch: async () => (await stemma(scratch, homes, 'sync', '--json')).ms,
    copy: join(homes.CODEX_HOME, path),
  }
  return { pair, home }
}

async function rsyncPair(scratch: Scratch, home: string): Promise<Pair> {
  const source = join(scratch.folder('source'), 'home')
  cpSync(home, source, { recursive: true })
  const daemon = await startRsync(scratch, source)
  const copy = scratch.folder('copy')
  const fetch = async () => (await scratch.run('rsync', ['-a', '--fsync', daemon.url, `${copy}/`])).ms
  await fetch()
  return {
    name: 'rsync --fsync',
    role: 'peer',
    publish: async (content) => saveEdit(source, path, content),
    fetch,
    copy: join(copy, path),
  }
}

async function gitPair(scratch: Scratch, home: string): Promise<Pair> {
  const repository = await makeRepository(scratch, home)
  const clone = join(scratch.folder('clone'), 'home')
  await git(scratch, 'clone', '--quiet', repository.url, clone)
  return {
    name: 'git pull',
    role: 'peer',
    async publish(content) {
      saveEdit(repository.work, path, content)
      await repository.publish()
    },
    fetch: async () => (await git(scratch, '-C', clone, 'pull', '--quiet', '--ff-only')).ms,
    copy: join(clone, path),
  }
}
