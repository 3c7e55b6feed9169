/** A master: it serves, at an address that others reach, and hears of every change. */
import { watchesSpare, watchInstancesMin } from '../../../schemas/limits-cli.ts'
import { outOfReach } from '../../master/reach.ts'
import { counted } from '../../ui/amount.ts'
import type { ServingFacts } from '../facts.ts'
import { type Check, fault, warning } from '../finding.ts'

export const serve: Check = (facts) => {
  const { serving, survey } = facts
  if (serving === null) return []
  const { status, fault: told, port, isTaken } = serving
  // Its first look at a large home takes a while.
  if (told?.code === 'locked') return []
  if (told)
    return [
      fault('serve-silent', {
        title: '`stemma master serve` does not answer.',
        means: told.message,
        todo: told.hint,
      }),
    ]
  if (status?.serving) return []
  if (isTaken)
    return [
      fault('port-taken', {
        title: `Another program uses port ${port}.`,
        means: '`stemma master serve` does not run, and could not start with this port.',
        todo: 'End that program, or choose another port: `--port`, or link.port in settings.toml. Followers then need a new link.',
      }),
    ]
  // Another command has the folder: whether a master serves shows when it is done. A service that is down is told as
  // such, and one that runs is only starting.
  if (survey === null || survey.owner !== null || facts.service?.health) return []
  return [
    fault('serve-stopped', {
      title: '`stemma master serve` is not running.',
      means: 'Nothing is published, and no follower gets anything new.',
      todo: 'Start `stemma master serve`, and leave it running.',
    }),
  ]
}

export const reach: Check = ({ serving }) => {
  const status = serving?.status
  if (!serving || !status?.serving) return []
  const { hostsOnTailnet, tailnet } = serving
  const words = outOfReach({ hosts: status.serving.hosts, allow: status.allow, hostsOnTailnet, tailnet })
  return words === null ? [] : [fault('not-on-tailnet', words)]
}

export const publishing: Check = ({ serving, codex }) => {
  const paused = serving?.status?.paused
  // That the home is away is told as such.
  if (!paused || !codex.hasHome) return []
  return [fault('paused', { title: 'Nothing is published now.', means: paused.message, todo: paused.hint })]
}

export const watches: Check = ({ serving, stored }) => {
  if (serving === null) return []
  const polls = serving.status?.serving?.watching === false
  const small = smallLimit(serving.inotify, stored?.folders ?? 1)
  // A home that is away is not watched either, which is told as such.
  if (serving.status?.paused) return []
  if (!polls && small === null) return []
  return [
    warning('few-watches', {
      title: polls
        ? 'The home is not watched: it is looked at every few seconds.'
        : 'The limit of file watches is small.',
      means: small ?? 'The system refuses to watch it; other programs may have used up its watches.',
      todo: 'Raise the limits: sysctl fs.inotify.max_user_watches=524288 fs.inotify.max_user_instances=512',
    }),
  ]
}

function smallLimit(inotify: ServingFacts['inotify'], folders: number): string | null {
  if (inotify === null) return null
  const { watches: max, instances } = inotify
  if (max < folders + watchesSpare)
    return `Linux allows this user ${max} watches; the home alone has ${counted(folders, 'folder')}, and editors need thousands.`
  return instances < watchInstancesMin
    ? `Linux allows this user ${instances} programs that watch files.`
    : null
}
