/**
 * A service as this house sees it: what shall run for which folders, whatever system it is for. Pure.
 * Always holds: every path in it is absolute and on one line, so that each system's format can hold it.
 */
import { posix, win32 } from 'node:path'
import { sha256Hex } from '../../engine/crypto/hash.ts'
import { type Refusal, refuse } from '../../schemas/fault.ts'

export type Role = 'master' | 'follower'
/** Those that have a service manager which we know. */
export type System = 'linux' | 'darwin' | 'win32'

export type Service = {
  readonly system: System
  readonly role: Role
  /** The folder of the user. */
  readonly homeDir: string
  /** Where the user's settings lie: `~/.config`, as systemd finds it. */
  readonly configDir: string
  /** As the system calls the user: a number, on Windows `DOMAIN\name`. */
  readonly user: string
  readonly stemmaHome: string
  readonly codexHome: string
  /** The writer lock lies in /tmp, since its path would be too long elsewhere. */
  readonly isLockInTmp: boolean
  /** What the service runs: `master serve --port 18000`. */
  readonly words: readonly string[]
}

/** What the service runs when it is given no options. */
export const commandOf = { master: ['master', 'serve'], follower: ['follower', 'watch'] } as const

/** `stemma-master`; with other folders than the usual ones also eight digits of their own, so that several stand side by side. */
export function nameOf({ role, stemmaHome, homeDir, user, system }: Service): string {
  // Tasks of Windows share one list among all users.
  const whose = system === 'win32' ? `-${plainUser(user.replace(/^.*\\/, ''))}` : ''
  const apart = stemmaHome === joinIn(homeDir, '.stemma') ? '' : `-${digits(stemmaHome)}`
  return `stemma-${role}${whose}${apart}`
}

const digits = (text: string): string => sha256Hex(Buffer.from(text)).slice(0, 8)
/** Two names that differ in other letters than these alone (王, 李) differ in their digits. */
function plainUser(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9]+/g, '-')
  return plain === name ? name : `${plain}-${digits(name)}`
}

/** The folders that are not where stemma looks by itself. */
export function envOf({
  homeDir,
  stemmaHome,
  codexHome,
}: Pick<Service, 'homeDir' | 'stemmaHome' | 'codexHome'>): Readonly<Record<string, string>> {
  return {
    ...(stemmaHome === joinIn(homeDir, '.stemma') ? {} : { STEMMA_HOME: stemmaHome }),
    ...(codexHome === joinIn(homeDir, '.codex') ? {} : { CODEX_HOME: codexHome }),
  }
}

/** Joins as the system does that the path belongs to, whichever this is. */
export const joinIn = (folder: string, ...names: readonly string[]): string =>
  (folder.startsWith('/') ? posix : win32).join(folder, ...names)

export const launcherFile = ({ system, stemmaHome }: Service): string =>
  joinIn(stemmaHome, 'service', system === 'win32' ? 'stemma.cmd' : 'stemma')
/** Where a service says what it has to say, on systems that keep no journal. */
export const logFile = ({ role, stemmaHome }: Service): string => joinIn(stemmaHome, 'logs', `${role}.log`)

/** What it said before that, when it was much. */
export const lastLogFile = (service: Service): string => `${logFile(service)}.1`

/** Unit files, lists of properties and scripts are lines: none can hold a name with a line break, or a letter of control. */
export function judgePaths(service: Service): Refusal | null {
  const { homeDir, configDir, stemmaHome, codexHome } = service
  const odd = [homeDir, configDir, stemmaHome, codexHome].find((path) => /\p{Cc}/u.test(path))
  return odd === undefined
    ? null
    : refuse('usage', `A service cannot name the folder ${odd}: there is a control character in it.`, {
        path: odd,
      })
}

/** A file of a service, whole. */
export type ServiceFile = {
  readonly path: string
  readonly text: string
  /** What Windows reads its own formats in. */
  readonly encoding: 'utf8' | 'utf16le'
  readonly mode: number
}
/** A program of the system and its arguments. `mayFail`: it undoes what may not be there. */
export type Step = { readonly words: readonly string[]; readonly mayFail?: true }

/** What a service is on its system. */
export type Plan = {
  /** As the system calls it. */
  readonly name: string
  /** The first one makes it a service: where it lies, one is installed. */
  readonly files: readonly [ServiceFile, ...ServiceFile[]]
  /** Other files that come of it, and are removed with it. */
  readonly traces: readonly string[]
  /** Folders that it needs; where nothing is left in them they go with it, in this order. */
  readonly folders: readonly string[]
  /** Goes well where the service manager can be asked. */
  readonly probe: Step
  /** An older one has to end before this one is started: else `start` sees to it. */
  readonly isStoppedFirst: boolean
  /** Takes the files up, and starts or restarts what they say. */
  readonly start: readonly Step[]
  /** Stops it, before the files are removed, and what is to be told afterwards. */
  readonly stop: readonly Step[]
  readonly forget: readonly Step[]
  /**
   * A question, what its answer has when it runs, and what a failure to answer means; null where the answer is in the
   * language of the user.
   */
  readonly running: {
    readonly step: Step
    readonly pattern: RegExp
    readonly failing: 'unknown' | 'stopped'
  } | null
  /** More of the same, where it is told in a form that we know. */
  readonly health: { readonly step: Step; read(out: string): Health } | null
  /** Starts once more what is installed. */
  readonly again: Step
  /** Lines of the files that say which options it was given: in all others an older version, or somebody's hand, shows. */
  readonly optionLine: RegExp
  /** Where to read what it says. */
  readonly logs: string
}

/** How a service is, in the eyes of its manager. */
export type Health = {
  /** `again`: it has ended, and is about to be started once more. */
  readonly phase: 'running' | 'stopped' | 'failed' | 'again'
  /** How it ended last; null where it has not, or that is not told. */
  readonly ended: string | null
  /** By the manager, since somebody started it; null where that is not told. */
  readonly restarts: number | null
  readonly startsAtLogin: boolean | null
}

/** Every file of ours has it near its beginning: what lacks it belongs to somebody else. */
export const mark = 'Made by `stemma'
export const markOf = (role: Role): string =>
  `${mark} ${role} install\`; \`stemma ${role} uninstall\` removes it.`
