/**
 * Looks at this machine once, so that it can be judged. The one place of the doctor that touches the world, but for
 * what mends.
 * Always holds: nothing is changed: all of it is read through a disk that only reads, or asked of who owns the folder.
 */
import type { Disk } from '../../engine/disk/disk.ts'
import { DryDisk } from '../../engine/disk/dry.ts'
import { loadLocal, loadSettings } from '../../engine/settings/file.ts'
import type { Homes } from '../../engine/settings/homes.ts'
import { isSameHome } from '../../engine/settings/kept.ts'
import { readWatching } from '../../engine/watching.ts'
import type { Local } from '../../schemas/settings.ts'
import { survey } from '../../transport/control/survey.ts'
import type { Context } from '../context.ts'
import { isAlive } from '../hook/alive.ts'
import type { Facts } from './facts.ts'
import { attempt } from './looks/attempt.ts'
import { lookAtCodex } from './looks/codex.ts'
import { lookAtConfig, lookAtHooks, lookAtLogin } from './looks/hooks.ts'
import { findLeftovers } from './looks/leftovers.ts'
import { lookAtLink } from './looks/link.ts'
import { lookAtPlace } from './looks/place.ts'
import { lookAtPlan } from './looks/plan.ts'
import { lookAtService } from './looks/service.ts'
import { lookAtServing } from './looks/serving.ts'
import { lookAtStored } from './looks/stored.ts'

export async function look(context: Context): Promise<Facts> {
  const { homes, clock, uid } = context
  const { stemmaHome, codexHome } = homes
  const real = await context.openDisk(codexHome)
  const disk = new DryDisk(real)
  const local = await attempt(() => loadLocal(disk, stemmaHome))
  const settings = await attempt(() => loadSettings(disk, stemmaHome))
  const role = local.told ? 'unknown' : (local.got?.role ?? 'none')
  const { got: found } = await attempt(() => survey(stemmaHome, { disk, clock, uid }))
  const word = (await attempt(() => readWatching({ disk, stemmaHome }))).got
  const isOwned = found === null || found.owner !== null
  const stored =
    role === 'master' || role === 'follower' ? await lookAtStored({ context, disk, role, isOwned }) : null
  const service = role === 'master' || role === 'follower' ? await lookAtService(context, disk, role) : null
  const mine = local.got?.role === 'follower' ? local.got : null
  const seen = await lookAtCodex(context, disk)
  // Without a home there is nothing that could differ, and no hook.
  const { hasHome } = seen.codex
  const isWhole =
    hasHome &&
    stored !== null &&
    stored.keys === null &&
    stored.log === null &&
    !stored.cutOff &&
    stored.missing.length === 0 &&
    stored.damaged.length === 0
  return {
    role,
    nowMs: clock.now(),
    stemmaHome,
    codexHome,
    keeps: await keptHome(disk, homes, local.got),
    uid,
    settings: [local.told, settings.told].flatMap((told) => (told === null ? [] : [told])),
    place: await lookAtPlace(context, disk),
    survey: found,
    leftovers: isOwned ? [] : await findLeftovers(disk, homes, role),
    watching: word && { ...word, isAlive: isAlive(word.pid) },
    stored,
    ...seen,
    config: await lookAtConfig(context, disk),
    hooks: mine && hasHome ? await lookAtHooks(context, disk, mine.hook === true) : null,
    service,
    serving:
      role === 'master'
        ? await lookAtServing(
            context,
            disk,
            found?.owner ?? null,
            settings.got?.link ?? null,
            service?.port ?? null,
          )
        : null,
    link: mine && (await lookAtLink(context, disk, mine)),
    plan:
      mine && found && found.owner !== 'mute' && settings.got && isWhole
        ? await lookAtPlan(context, real, found)
        : null,
    login: mine && (await lookAtLogin(context, disk)),
  }
}

async function keptHome(disk: Disk, { codexHome }: Homes, local: Local | null): Promise<string | null> {
  const home = local?.home
  if (home === undefined) return null
  const { got: isHere } = await attempt(() => isSameHome(disk, home, codexHome))
  return isHere === false ? home : null
}
