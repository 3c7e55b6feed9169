/**
 * The systemd unit of a service, for the manager of the user. Pure.
 * Always holds: each path and word arrives as it is; a version of systemd that does not know a line passes it over.
 */
import { exitCodes } from '../../schemas/code.ts'
import {
  envOf,
  type Health,
  joinIn,
  launcherFile,
  markOf,
  nameOf,
  type Plan,
  type Service,
} from './service.ts'

export function systemdPlan(service: Service): Plan {
  const name = `${nameOf(service)}.service`
  const folder = joinIn(service.configDir, 'systemd', 'user')
  const user = (...words: string[]) => ['systemctl', '--user', ...words]
  return {
    name,
    files: [{ path: joinIn(folder, name), text: unitText(service), encoding: 'utf8', mode: 0o600 }],
    traces: [joinIn(folder, 'default.target.wants', name)],
    folders: [
      joinIn(folder, 'default.target.wants'),
      folder,
      joinIn(service.configDir, 'systemd'),
      service.configDir,
    ],
    probe: { words: user('show', '--property=Version') },
    isStoppedFirst: false,
    start: [
      { words: user('daemon-reload') },
      { words: user('enable', '--quiet', name) },
      { words: user('restart', name) },
    ],
    stop: [
      { words: user('stop', name), mayFail: true },
      { words: user('disable', '--quiet', name), mayFail: true },
    ],
    forget: [{ words: user('daemon-reload') }, { words: user('reset-failed', name), mayFail: true }],
    running: {
      step: { words: user('show', '--property=ActiveState', name) },
      pattern: /^ActiveState=(?:active|reloading|refreshing)$/m,
      failing: 'unknown',
    },
    health: { step: { words: user('show', `--property=${told.join(',')}`, name) }, read: readHealth },
    again: { words: user('restart', name) },
    optionLine: /^ExecStart=/,
    logs: `journalctl --user --unit ${name}`,
  }
}

const told = ['ActiveState', 'SubState', 'Result', 'ExecMainStatus', 'NRestarts', 'UnitFileState'] as const

function readHealth(out: string): Health {
  const of = (name: (typeof told)[number]) => new RegExp(`^${name}=(.+)$`, 'm').exec(out)?.[1] ?? ''
  const [active, result] = [of('ActiveState'), of('Result')]
  const phases: Readonly<Record<string, Health['phase']>> = { failed: 'failed', inactive: 'stopped' }
  const unitFile = of('UnitFileState')
  return {
    phase: of('SubState') === 'auto-restart' ? 'again' : (phases[active] ?? 'running'),
    ended:
      result === '' || result === 'success'
        ? null
        : result === 'exit-code'
          ? `status ${of('ExecMainStatus')}`
          : result,
    restarts: /^\d+$/.test(of('NRestarts')) ? Number(of('NRestarts')) : null,
    startsAtLogin: unitFile === '' ? null : unitFile === 'enabled',
  }
}

/** What another start cannot mend: a wrong option or setting, a break of trust, a damaged log. */
const hopeless = [exitCodes.usage, exitCodes.trust, exitCodes.damaged].join(' ')

function unitText(service: Service): string {
  const { role, codexHome, words } = service
  const env = envOf(service)
  const usual = ['STEMMA_HOME', 'CODEX_HOME'].filter((variable) => !(variable in env))
  return `# ${markOf(role)}
[Unit]
Description=stemma ${role} (${plain(codexHome)})
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/bin/sh ${[launcherFile(service), ...words].map(argument).join(' ')}
${Object.entries(env)
  .map(([variable, path]) => `Environment=${quote(`${variable}=${path}`)}\n`)
  .join('')}\
UnsetEnvironment=${[...usual, 'NODE_OPTIONS', 'NODE_PATH'].join(' ')}
Restart=on-failure
RestartSec=2
RestartSteps=5
RestartMaxDelaySec=60
RestartPreventExitStatus=${hopeless}
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
${role === 'master' ? readOnly(service) : ''}
[Install]
WantedBy=default.target
`
}

/**
 * A master writes nowhere but into its own folder. A follower cannot have this: systemd does it by a user namespace, from
 * which no process of Codex can be looked at, and so no session be seen (S10).
 */
function readOnly({ stemmaHome, isLockInTmp }: Service): string {
  const writable = [stemmaHome, ...(isLockInTmp ? ['/tmp'] : [])]
  return `ProtectSystem=strict\nReadWritePaths=${writable.map((path) => quote(`-${path}`)).join(' ')}\n`
}

/** Specifiers begin with a percent sign, everywhere in a unit. */
const plain = (text: string): string => text.replaceAll('%', '%%')
/** One word of a list. Between double quotes a backslash takes the next letter as it is. */
const quote = (text: string): string => `"${plain(text).replace(/[\\"]/g, '\\$&')}"`
/** One word of a command, where variables count, too. */
const argument = (text: string): string =>
  /^[\w@:./+-]+$/.test(text) ? text : quote(text).replaceAll('$', '$$$$')
