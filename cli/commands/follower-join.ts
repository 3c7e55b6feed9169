/** `follower join`: pins a master and brings its home to this machine. */
import type { Takes } from '../../engine/apply/plan.ts'
import { loadLocal } from '../../engine/settings/file.ts'
import { mustKeep, realHome } from '../../engine/settings/kept.ts'
import { Fault, isRefusal, toFault } from '../../schemas/fault.ts'
import { joinTimeoutMs, nameBytesMax, timeoutMsMax } from '../../schemas/limits.ts'
import { formatAddress, type Link, parseAddress, parseLink } from '../../schemas/link.ts'
import type { FollowerLocal } from '../../schemas/settings.ts'
import { isName } from '../../schemas/shape.ts'
import { choice, define, flag, text, whole } from '../command.ts'
import { mustAgree, mustConfirm } from '../confirm.ts'
import type { Context } from '../context.ts'
import { type FollowerDesk, withFolder } from '../follower/desk.ts'
import { fetchNew } from '../follower/fetch.ts'
import { hookStatus } from '../follower/hook.ts'
import { tellInstalled } from '../follower/own.ts'
import { part } from '../follower/part.ts'
import { bringUp, positionOf } from '../follower/sync.ts'
import { tellApplied, tellPlan } from '../follower/tell.ts'
import { mustBeUntaken } from '../taken.ts'
import { duration } from '../ui/amount.ts'

export const command = define({
  args: ['[LINK]'],
  options: {
    master: text('ADDRESS', 'the long form: wss://HOST:PORT of the master'),
    fingerprint: text('FP', 'the long form: 64 hex digits that `stemma master link` shows'),
    name: text('NAME', 'what the master calls this machine (default: the name of this host)'),
    take: choice(['canonical', 'local'], 'settle files that differ from the start'),
    'no-hook': flag('do not put the hook into Codex that keeps this home fresh'),
    'trust-hooks': flag('approve canonical hooks of Codex here that are approved on the master'),
    yes: flag('do not ask before the first files are written'),
    timeout: whole(
      'MS',
      timeoutMsMax,
      `give up on the master after this long (default: ${duration(joinTimeoutMs)})`,
    ),
  },
  about: [
    'LINK is what `stemma master link` prints on the master; without it you are asked for it.',
    'Files that are here already are kept: identical ones are adopted, others are listed as conflicts.',
    'Hooks that come from the master are skipped by Codex until you approve them, or join with --trust-hooks.',
    'Two hooks of stemma in hooks.json, approved in config.toml, keep the home fresh; --no-hook leaves them out.',
    'A second join with the same fingerprint only changes the address (the master moved); one with another ' +
      'replaces the pinned master after a question, and unchanged files that came from the first one go.',
  ],
  examples: [
    "follower join 'stemma://join?host=desk&port=17342&fingerprint=…&v=1'",
    'follower join --master wss://desk:17342 --fingerprint 5f0c… --yes',
    "follower join 'stemma://join?…' --name laptop --take canonical",
  ],
  async run(context, [words], options) {
    const { homes } = context
    const link = await readLink(context, words, options.master, options.fingerprint)
    const name = readName(options.name)
    const disk = await context.openDisk(homes.codexHome)
    const before = await loadLocal(disk, homes.stemmaHome)
    if (before?.role === 'master')
      throw new Fault('wrong-role', 'This machine is a master; it cannot follow another.')
    if (before) await mustKeep(disk, homes, before)
    await mustBeUntaken(context, disk)
    if (before && before.fingerprint !== link.fingerprint)
      await mustReplace(context, before.master, options.yes)
    return withFolder(context, 'follower join', disk, async (desk) => {
      await desk.keeper.recover()
      const same = before?.fingerprint === link.fingerprint ? before : null
      const local: FollowerLocal = {
        role: 'follower',
        home: await realHome(disk, homes.codexHome),
        master: `wss://${formatAddress(link.host, link.port)}`,
        fingerprint: link.fingerprint,
        // Another address changes nothing else (S60).
        hook: !options['no-hook'] && same?.hook !== false,
        trust_hooks: options['trust-hooks'] || same?.trust_hooks === true,
        ...nameOf(name ?? same?.name),
      }
      await meet(desk, link, before, local, options.timeout ?? joinTimeoutMs)
      // Who gave up another master for this one has answered already.
      const takes = options.take ?? null
      if (!options.yes && (before === null || same)) await mustWant(desk, link, before, takes)
      const result = await bringUp(desk, takes)
      const hook = await hookStatus(desk)
      const exit = tellApplied(context, result, positionOf(desk), { hook })
      if (!context.json && before?.hook !== true) tellInstalled(context, hook)
      tellName(desk, name)
      return exit
    })
  },
})

const nameOf = (name: string | undefined) => (name === undefined ? {} : { name })

/** Pins the master of `link` once it has proved itself, and takes over its log. */
async function meet(
  desk: FollowerDesk,
  link: Link,
  before: FollowerLocal | null,
  local: FollowerLocal,
  timeoutMs: number,
): Promise<void> {
  const options = { timeoutMs, trusted: () => desk.setLocal(local), ...nameOf(local.name) }
  try {
    await fetchNew(desk, link, options)
  } catch (error) {
    // Nothing is pinned before the first contact: the link may as well be wrong.
    if (before?.fingerprint !== link.fingerprint && error instanceof Fault && error.code === 'pin-mismatch')
      throw new Fault(
        'other-key',
        `The master at ${formatAddress(link.host, link.port)} has another key than the link names: expected ${link.fingerprint}, got ${error.facts['got']}.`,
        error.facts,
        error,
      )
    // A new link to another master is the user's word (S19); the old log would only contradict it.
    const isNew = before !== null && before.fingerprint !== link.fingerprint
    if (!(isNew && error instanceof Fault && error.code === 'other-log')) throw error
    await desk.follower.forget()
    await fetchNew(desk, link, options)
  }
}

/** A machine is named once, when it enrols. */
function tellName({ context, called }: FollowerDesk, wanted: string | undefined): void {
  if (context.json || wanted === undefined || called === null || called === wanted) return
  context.out.flow(0, 'The master knows this machine as ', called, ' already; that name stays.')
}

function readName(name: string | undefined): string | undefined {
  if (name === undefined || isName(name)) return name
  throw new Fault('usage', `--name needs a name on one line, of at most ${nameBytesMax} bytes.`, {
    help: 'follower join',
  })
}

/** Another master takes the place of the pinned one: never by habit (S19). */
async function mustReplace(context: Context, master: string, yes: boolean): Promise<void> {
  if (yes) return
  await mustConfirm(
    context,
    {
      text: `This machine follows ${master}. Follow another master instead, and give up what only the first one has?`,
      enter: 'no',
    },
    `This machine follows ${master} still; \`stemma follower leave\` ends that and keeps its files.`,
    'follower join',
  )
}

/**
 * Shows whom this machine would follow and what would be written, and asks. After anything but a yes it follows
 * whomever it followed before.
 */
async function mustWant(
  desk: FollowerDesk,
  link: Link,
  before: FollowerLocal | null,
  takes: Takes,
): Promise<void> {
  const { context } = desk
  const { homes, out } = context
  if (context.json || !out.isTerminal) return
  try {
    const planned = await desk.keeper.plan(takes)
    if (planned.plan.steps.length === 0) return
    const table = [
      ['master', `wss://${formatAddress(link.host, link.port)}`],
      ['fingerprint', link.fingerprint],
    ]
    out.table(['', ''], table)
    tellPlan(context, planned, positionOf(desk))
    if (desk.local?.hook === true && before?.hook !== true)
      out.flow(
        0,
        'To keep this home fresh stemma adds two hooks of its own to hooks.json, and approves them in ',
        'config.toml (`--no-hook` leaves them out).',
      )
    const declined = before
      ? `Nothing was changed: this machine follows ${before.master} as before.`
      : `Not joined: nothing was written to ${homes.codexHome}, and the master is forgotten here; it lists this machine (${desk.follower.id.slice(0, 12)}) still.`
    await mustAgree(context, { text: 'Join, and write these files?', enter: 'yes' }, declined)
  } catch (error) {
    if (before) await desk.setLocal(before)
    else await part({ context, disk: desk.disk, desk, hasRecords: true })
    throw error
  }
}

async function readLink(
  context: Context,
  words: string | undefined,
  master: string | undefined,
  fingerprint: string | undefined,
): Promise<Link> {
  const bad = (why: string) => new Fault('usage', why, { help: 'follower join' })
  if (words !== undefined && (master !== undefined || fingerprint !== undefined))
    throw bad('Give either a link or --master with --fingerprint, not both.')
  if ((master === undefined) !== (fingerprint === undefined))
    throw bad('--master and --fingerprint belong together.')
  if (master !== undefined && fingerprint !== undefined) return must(parseAddress(master, fingerprint))
  const link = words ?? (await context.ask('Link of the master (from `stemma master link`):'))
  if (link === null || (words === undefined && link === ''))
    throw bad('A link is needed; `stemma master link` prints it on the master.')
  return must(parseLink(link.trim()))
}

function must(link: ReturnType<typeof parseLink>): Link {
  if (isRefusal(link)) throw toFault(link)
  return link
}
