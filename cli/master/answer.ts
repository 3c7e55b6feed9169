/**
 * Answers to what can be asked of a master: by a command that opened the folder itself, or over the control
 * channel by one that found it open.
 */
import { selectionEvent } from '../../engine/canon/selection.ts'
import { toHash } from '../../engine/crypto/hash.ts'
import { loadSettings } from '../../engine/settings/file.ts'
import type { ControlRequest } from '../../schemas/control.ts'
import { Fault, unreachable } from '../../schemas/fault.ts'
import { rebuildTimeoutMs } from '../../schemas/limits.ts'
import { formatAddress, formatLink } from '../../schemas/link.ts'
import type { MasterLink, MasterStatus } from '../../schemas/report.ts'
import { v } from '../../schemas/shape.ts'
import { tailnetAddress } from '../../transport/identity/own.ts'
import type { Context } from '../context.ts'
import { askRunning, forAnyone, patiently } from '../owner.ts'
import { type Desk, openMasterDisk, withDesk } from './desk.ts'

type Warning = MasterStatus['warnings'][number]

export type Question = Exclude<ControlRequest, { cmd: 'who' | 'stop' | 'lend' }>

/**
 * Asks the running master, or opens the folder when none runs. One that is only starting is waited for, and so is
 * another command of this machine.
 */
export async function ask<S extends v.GenericSchema>(
  context: Context,
  question: Question,
  reply: S,
): Promise<v.InferOutput<S>> {
  const disk = await openMasterDisk(context)
  const once = async () => {
    const told = await (question.cmd === 'rebuild'
      ? context.progress.during(
          'The running master looks at its home',
          askRunning(context, disk, question, rebuildTimeoutMs),
        )
      : askRunning(context, disk, question))
    if (told) return v.parse(reply, told.ok)
    return withDesk(context, `master ${question.cmd}`, async (desk) =>
      v.parse(reply, await answer(desk, question)),
    )
  }
  return patiently(context, once, forAnyone)
}

export async function answer(desk: Desk, question: Question): Promise<unknown> {
  const { master, gate } = desk
  switch (question.cmd) {
    case 'status':
      return status(desk)
    case 'link':
      return link(desk, question.host, question.port)
    case 'followers':
      return { followers: desk.followers(), approve: master.mustApprove }
    case 'rebuild':
      return rebuild(desk, question.yes === true)
    case 'approve': {
      const row = desk.find(question.follower)
      if (row.state === 'revoked') throw new Fault('revoked', `${row.name} was revoked; that is for ever.`)
      if (row.state === 'waiting' && !gate.approve(row.id))
        throw new Fault('unknown-follower', `${row.name} no longer waits.`)
      return { id: row.id, name: row.name }
    }
    case 'revoke': {
      const row = desk.find(question.follower)
      const facts = desk.rowOf(row.id)
      if (!facts) throw new Fault('unknown-follower', `${row.name} is not enrolled.`)
      if (facts.revokedMs === 0) await master.revoke(facts.id)
      desk.serving?.listener.cut(facts.node)
      return { id: row.id, name: row.name }
    }
    case 'open':
      await master.setApproval(false)
      return { approve: master.mustApprove }
    default:
      return unreachable(question)
  }
}

async function status(desk: Desk): Promise<MasterStatus> {
  const { master, serving } = desk
  const seen = await desk.seen()
  return {
    role: 'master',
    fingerprint: master.fingerprint,
    log: master.head.logId.toString('hex'),
    seq: master.head.seq,
    revision: toHash(master.head.revision),
    files: master.files.size,
    followers: desk.followers().filter((row) => row.state === 'enrolled').length,
    pending: desk.gate.pending().map((row) => ({ ...row })),
    approve: master.mustApprove,
    serving: serving && {
      pid: desk.context.pid,
      hosts: [...serving.listener.hosts],
      port: serving.listener.port,
      links: serving.listener.connections(),
      watching: serving.watching(),
    },
    publishedMs: master.head.timeMs,
    secrets: [...master.secrets],
    unlisted: [...seen.unlisted],
    unlistedMore: seen.unlistedMore,
    warnings: [...(await settingsWarnings(desk)), ...seen.warnings],
    warningsMore: seen.warningsMore,
    forked: master.forked,
    paused: desk.paused,
    allow: [...(serving?.allow ?? desk.settings.link.allow)],
    service: null,
    home: desk.context.homes.codexHome,
  }
}

/** What settings.toml says by now, and this master does not do yet. */
async function settingsWarnings({ disk, context, settings, master, serving }: Desk): Promise<Warning[]> {
  const path = 'settings.toml'
  const warning = (kind: string, why: string): Warning => ({ kind, path, why })
  const now = await loadSettings(disk, context.homes.stemmaHome).catch((error: unknown) => {
    if (error instanceof Fault && error.code === 'bad-settings') return error
    throw error
  })
  if (now instanceof Fault)
    return [warning('bad-settings', `${now.message} What it said before is in force until it is corrected.`)]
  const warnings: Warning[] = []
  if (selectionEvent(master.selection, now.selection))
    warnings.push(
      warning('old-settings', `[selection] in ${path} was changed: \`stemma master rebuild\` takes it over.`),
    )
  if (serving && JSON.stringify(now.link) !== JSON.stringify(settings.link))
    warnings.push(
      warning(
        'old-settings',
        `[link] in ${path} was changed: it counts when \`stemma master serve\` is started anew.`,
      ),
    )
  return warnings
}

/** Looks at the whole home again, publishes, and clears away contents that nothing needs. */
async function rebuild(desk: Desk, yes: boolean) {
  const { master, context } = desk
  const before = master.head.seq
  const { selection } = await loadSettings(desk.disk, context.homes.stemmaHome)
  if (await master.setSelection(selection)) await desk.serving?.rewatch()
  if (yes) desk.loss.permit()
  try {
    if (desk.serving) await desk.serving.rescan()
    else await desk.look(context.signal)
  } finally {
    // It was said of what this look finds: one that failed found nothing.
    desk.loss.forbid()
  }
  const swept = await desk.sweep()
  const { warnings, warningsMore } = await desk.seen()
  return {
    seq: master.head.seq,
    revision: toHash(master.head.revision),
    entries: master.head.seq - before,
    swept,
    warnings: [...warnings],
    warningsMore,
  }
}

const wildcards = new Set(['0.0.0.0', '::'])

/** The address that others can reach: the one that is served, or else this machine's on the tailnet. */
function link(
  { master, serving, settings }: Desk,
  named: string | undefined,
  namedPort: number | undefined,
): MasterLink {
  const hosts = serving?.listener.hosts ?? settings.link.host
  const host = named ?? hosts.find((one) => !wildcards.has(one)) ?? tailnetAddress()
  if (host === null)
    throw new Fault('no-address', 'This machine has no address on a tailnet that a link could name.')
  const port = namedPort || (serving?.listener.port ?? settings.link.port)
  const { fingerprint } = master
  return {
    link: formatLink({ host, port, fingerprint }),
    command: `stemma follower join --master wss://${formatAddress(host, port)} --fingerprint ${fingerprint}`,
    host,
    port,
    fingerprint,
  }
}
