/** Who lives in the folder, and what the dead left there. */
import { counted, duration } from '../../ui/amount.ts'
import { type Check, fault, fixable, warning } from '../finding.ts'

export const sockets: Check = ({ survey }) => {
  const dead = survey?.dead ?? []
  const [first] = dead
  if (!first) return []
  return [
    fixable(
      warning('stale-lock', {
        title: 'A process that was killed left its lock behind.',
        means: `${counted(dead.length, 'socket')} without a process: ${first}. It keeps nobody away.`,
        todo: '`stemma doctor --fix` removes it, and so does the next command that works there.',
      }),
    ),
  ]
}

export const mute: Check = ({ survey }) =>
  survey?.owner === 'mute'
    ? [
        fault('owner-mute', {
          title: 'A stemma process has this folder and does not answer.',
          means: 'It was stopped, hangs, or is of another version. No other command can work here meanwhile.',
          todo: 'End that process, and run the command again.',
        }),
      ]
    : []

export const watcher: Check = ({ watching, survey, nowMs }) => {
  if (watching === null || survey === null || survey.owner === 'mute') return []
  const { pid, untilMs, isAlive } = watching
  const isOver = untilMs < nowMs
  if (survey.owner?.pid === pid)
    return isOver
      ? [
          fault('watch-silent', {
            title: '`stemma follower watch` hangs.',
            means: `Process ${pid} has not said for ${duration(nowMs - untilMs)} that it is level with the master.`,
            todo: 'End it and start `stemma follower watch` again.',
          }),
        ]
      : []
  // Another command may have been lent the folder just now.
  if (isAlive && !isOver) return []
  return [
    fixable(
      warning('watch-stale', {
        title: 'A `stemma follower watch` ended without a word.',
        means: `Process ${pid} is gone. Changes come with the session hook, or with \`stemma sync\`.`,
        todo: 'Start `stemma follower watch` again if you want it; `stemma doctor --fix` clears its mark.',
      }),
    ),
  ]
}
