/** Rows of the table of judgements: a service in every state, and what is found. */
import type { Facts, ServiceFacts } from '../../../cli/doctor/facts.ts'
import type { Health } from '../../../cli/service/service.ts'
import { follower, idle, master, served } from './facts.ts'

const health = { phase: 'running', ended: null, restarts: 0, startsAtLogin: true } as const
const installed = {
  ...{ name: 'stemma-master.service', runs: 'master serve', again: 'systemctl --user restart x.service' },
  ...{
    logs: 'journalctl --user',
    port: null,
    isCurrent: true,
    hasLauncher: true,
    gone: [],
    health,
    lingers: true,
  },
} as const satisfies Facts['service']
/** A master's service that is down, in a way; and a follower's. */
export const down = (more: Partial<Health>, rest: Partial<ServiceFacts> = {}): Facts => ({
  ...served({ status: null }, idle),
  service: { ...installed, health: { ...health, phase: 'stopped', ...more }, ...rest },
})
export const installedHere = (more: Partial<ServiceFacts>, facts: Facts = master): Facts => ({
  ...facts,
  service: { ...installed, ...more },
})
const onlyService = ({ service }: Facts): Pick<Facts, 'service'> => ({ service })
const followed = (phase: Health['phase']): Facts =>
  installedHere({ runs: 'follower watch', health: { ...health, phase } }, follower)

/** Facts, what is found there, and whether `--fix` mends it. */
export const services: readonly (readonly [Facts, string | null, boolean])[] = [
  [installedHere({}), null, false],
  [down({}), 'service-stopped', false],
  [down({ phase: 'running' }), null, false],
  [down({ phase: 'failed', ended: 'status 2' }), 'service-failed', false],
  [down({ phase: 'again', ended: 'status 1', restarts: 3 }), 'service-restarting', false],
  [down({ phase: 'again', ended: 'status 226' }), 'service-restarting', false],
  [down({ phase: 'again', ended: 'oom-kill', restarts: null }), 'service-restarting', false],
  [down({ phase: 'again' }, { hasLauncher: false }), 'launcher-broken', true],
  [down({ phase: 'failed' }, { gone: ['/nvm/node'] }), 'launcher-broken', true],
  [installedHere({ gone: ['/nvm/node'] }), 'launcher-broken', true],
  [installedHere({ health: null }), 'service-unknown', false],
  [installedHere({ health: { ...health, phase: 'stopped' } }), 'service-stopped', false],
  [
    { ...served({ status: null, isTaken: true }, idle), ...onlyService(down({ phase: 'again' })) },
    'port-taken',
    false,
  ],
  [installedHere({ isCurrent: false }), 'service-changed', false],
  [installedHere({ health: { ...health, startsAtLogin: false } }), 'service-disabled', false],
  [installedHere({ health: { ...health, startsAtLogin: null } }), null, false],
  [installedHere({ lingers: false }), 'no-linger', false],
  [installedHere({ lingers: null }), null, false],
  [installedHere({ lingers: false }, follower), null, false],
  [followed('running'), null, false],
  [followed('stopped'), 'service-stopped', false],
  [followed('failed'), 'service-failed', false],
]
