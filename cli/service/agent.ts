/**
 * The LaunchAgent of a service, for macOS. Pure.
 * Always holds: each path and word arrives as it is.
 */
import { serviceLogBytesMax } from '../../schemas/limits-cli.ts'
import {
  envOf,
  joinIn,
  lastLogFile,
  launcherFile,
  logFile,
  markOf,
  nameOf,
  type Plan,
  type Service,
} from './service.ts'
import { escapeXml } from './xml.ts'

export function agentPlan(service: Service): Plan {
  const name = nameOf(service)
  const path = joinIn(service.homeDir, 'Library', 'LaunchAgents', `${name}.plist`)
  const domain = `gui/${service.user}`
  return {
    name,
    files: [{ path, text: listText(service), encoding: 'utf8', mode: 0o600 }],
    traces: [logFile(service), lastLogFile(service)],
    folders: [joinIn(service.stemmaHome, 'logs')],
    probe: { words: ['launchctl', 'print', domain] },
    isStoppedFirst: true,
    start: [{ words: ['launchctl', 'bootstrap', domain, path] }],
    stop: [{ words: ['launchctl', 'bootout', `${domain}/${name}`], mayFail: true }],
    forget: [],
    running: {
      step: { words: ['launchctl', 'print', `${domain}/${name}`] },
      pattern: /^\s*state = running$/m,
      failing: 'stopped',
    },
    health: null,
    again: { words: ['launchctl', 'kickstart', '-k', `${domain}/${name}`] },
    // In the list of words, and in the variables, which are known from the folders.
    optionLine: /^ {4}<string>/,
    logs: logFile(service),
  }
}

/** launchd knows no exit code that ends its patience: what cannot be mended is tried once a minute. */
const throttleSeconds = 60
/** 0077, in the number system that launchd reads. */
const umask = 0o077

/**
 * Becomes the rest of its words; before that a log that has grown long is put aside, and one begun. launchd has opened the
 * first one already, so both streams are turned to the second.
 */
const begin =
  `[ "$(($(wc -c <"$0" || echo 0)))" -le ${serviceLogBytesMax} ] || ` +
  '{ mv -f "$0" "$0.1" && exec >>"$0" 2>&1; }; exec /bin/sh "$@"'

function listText(service: Service): string {
  const { role, homeDir, words } = service
  const start = ['/bin/sh', '-c', begin, logFile(service), launcherFile(service), ...words]
  const command = start.map((word) => `    ${string(word)}\n`).join('')
  const env = Object.entries(envOf(service)).map(([name, path]) => `    ${key(name)}\n    ${string(path)}\n`)
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- ${markOf(role)} -->
<plist version="1.0">
<dict>
  ${key('Label')}
  ${string(nameOf(service))}
  ${key('ProgramArguments')}
  <array>
${command}  </array>
${env.length > 0 ? `  ${key('EnvironmentVariables')}\n  <dict>\n${env.join('')}  </dict>\n` : ''}\
  ${key('WorkingDirectory')}
  ${string(homeDir)}
  ${key('RunAtLoad')}
  <true/>
  ${key('KeepAlive')}
  <dict>
    ${key('SuccessfulExit')}
    <false/>
  </dict>
  ${key('ThrottleInterval')}
  <integer>${throttleSeconds}</integer>
  ${key('Umask')}
  <integer>${umask}</integer>
  ${key('StandardOutPath')}
  ${string(logFile(service))}
  ${key('StandardErrorPath')}
  ${string(logFile(service))}
</dict>
</plist>
`
}

const key = (name: string): string => `<key>${escapeXml(name)}</key>`
const string = (text: string): string => `<string>${escapeXml(text)}</string>`
