/** The service: it runs, it will start again, and what it was made of is still there. */
import { unreachable } from '../../../schemas/fault.ts'
import type { Health } from '../../service/service.ts'
import { counted } from '../../ui/amount.ts'
import type { Facts, ServiceFacts } from '../facts.ts'
import { type Check, type Finding, fault, fixable, warning } from '../finding.ts'

/** It is installed and does not run: what it should do is not told once more. */
const isDown = ({ service }: Pick<Facts, 'service'>): boolean =>
  service !== null && service.health !== null && service.health.phase !== 'running'

const lacksLauncher = ({ hasLauncher, gone }: ServiceFacts): boolean => !hasLauncher || gone.length > 0

export const launcher: Check = (facts) => {
  const { service } = facts
  if (service === null || !lacksLauncher(service)) return []
  const { hasLauncher, gone } = service
  const words = {
    title: hasLauncher ? 'What the service starts has moved.' : 'The launcher of the service is gone.',
    means: hasLauncher
      ? `${service.name} was installed with ${gone.join(' and ')}, which is there no longer.${isDown(facts) ? '' : ' At its next start it looks for another.'}`
      : `${service.name} has nothing to start any more.`,
    todo: '`stemma doctor --fix` writes its launcher anew, with the Node and the stemma that run now.',
  }
  const isFault = !hasLauncher || isDown(facts)
  return [fixable(isFault ? fault('launcher-broken', words) : warning('launcher-broken', words))]
}

export const service: Check = (facts) => {
  const { service, serving, survey } = facts
  // Why it cannot run is told as such: what it starts is gone, or another program has its port.
  if (!service?.health || !isDown(facts) || lacksLauncher(service) || serving?.isTaken) return []
  const { name, runs, logs, again, health } = service
  const owner = survey?.owner
  if (owner && owner !== 'mute' && owner.what === runs)
    return [
      warning('service-stopped', {
        title: `\`stemma ${runs}\` runs, but not as a service.`,
        means: `${name} is installed and does not run. What was started by hand ends with its terminal.`,
        todo: `End it, and run \`${again}\`.`,
      }),
    ]
  switch (health.phase) {
    case 'running':
      return []
    case 'stopped': {
      const words = {
        title: 'The service is installed, but does not run.',
        means: `${name} was stopped, or never started. ${facts.role === 'master' ? 'Nothing is published, and no follower gets anything new.' : 'Changes come with the session hook, or with `stemma sync`.'}`,
        todo: `Run \`${again}\`.`,
      }
      return [facts.role === 'master' ? fault('service-stopped', words) : warning('service-stopped', words)]
    }
    case 'failed':
      return [
        fault('service-failed', {
          title: 'The service has failed, and is not started again.',
          means: `${name} ended${endOf(health)}. What it said: ${logs}.`,
          todo: `Mend that first, then run \`${again}\`.`,
        }),
      ]
    case 'again':
      return [restarting(service, health)]
    default:
      return unreachable(health.phase)
  }
}

const endOf = ({ ended }: Health): string => (ended === null ? '' : ` with ${ended}`)

/** systemd: it could not make the namespace in which only one folder can be written to. */
const namespaceStatus = 'status 226'

function restarting({ name, logs, again }: ServiceFacts, health: Health): Finding {
  if (health.ended === namespaceStatus)
    return fault('service-restarting', {
      title: 'This system does not allow the service its namespace.',
      means: `${name} ends with ${namespaceStatus} before it has begun. With a namespace systemd lets it write into the stemma folder alone; it does without, too.`,
      todo: `Run \`systemctl --user edit ${name}\`, write the lines [Service], ProtectSystem=no and ReadWritePaths= there, and run \`${again}\`.`,
    })
  const often = health.restarts ? `; it was started again ${counted(health.restarts, 'time')}` : ''
  return fault('service-restarting', {
    title: 'The service ends whenever it is started.',
    means: `${name} ended${endOf(health)}${often}. What it said: ${logs}.`,
    todo: 'Mend what it says there. It is started again by itself.',
  })
}

export const manager: Check = ({ service }) =>
  service !== null && service.health === null
    ? [
        warning('service-unknown', {
          title: 'The service manager does not answer.',
          means: `${service.name} is installed; whether it runs, nobody can tell.`,
          todo: `See what it answers to you: \`${service.again}\`.`,
        }),
      ]
    : []

export const unit: Check = ({ service, role }) => {
  if (service === null) return []
  const { name, isCurrent, health, lingers } = service
  return [
    ...(isCurrent
      ? []
      : [
          warning('service-changed', {
            title: 'The service is not as this version of stemma writes it.',
            means: `${name} was installed by another version, or was changed by hand.`,
            todo: `\`stemma ${role} install\`, with its options, writes it anew. Lines of your own belong into a drop-in file.`,
          }),
        ]),
    ...(health?.startsAtLogin === false
      ? [
          warning('service-disabled', {
            title: 'The service does not start by itself.',
            means: `${name} is disabled: after the next start of the machine it does not run.`,
            todo: `Run \`systemctl --user enable ${name}\`.`,
          }),
        ]
      : []),
    ...(lingers === false && role === 'master'
      ? [
          warning('no-linger', {
            title: 'The service ends when you log out.',
            means: `${name} runs from your first login to your last logout: followers reach this master in between only.`,
            todo: 'Run `loginctl enable-linger`.',
          }),
        ]
      : []),
  ]
}
