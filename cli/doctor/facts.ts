/**
 * What is looked at, once, before anything is judged. Plain data: a test writes it by hand.
 * Always holds: a group that could not be looked at, or that the machine has not, is null; what stood in the way is a
 * fact of its own.
 */
import type { Auth } from '../../engine/codex/auth.ts'
import type { TrustStatus } from '../../engine/codex/trust.ts'
import type { WatchingWord } from '../../engine/watching.ts'
import type { Code } from '../../schemas/code.ts'
import type { MasterStatus } from '../../schemas/report.ts'
import type { Survey } from '../../transport/control/survey.ts'
import type { TroubleReport } from '../follower/contact.ts'
import type { Health } from '../service/service.ts'

/** A fault that was met while looking. */
export type Told = { readonly code: Code; readonly message: string; readonly hint: string }

export type Facts = {
  /** `none`: neither master nor follower yet; `unknown`: the file that says so cannot be read. */
  readonly role: 'master' | 'follower' | 'none' | 'unknown'
  readonly nowMs: number
  readonly stemmaHome: string
  readonly codexHome: string
  /** The Codex home that the folder keeps, where it is another one; null where it is not. */
  readonly keeps: string | null
  /** Of this user; null where users have none. */
  readonly uid: number | null
  /** What is wrong with local.toml and settings.toml. */
  readonly settings: readonly Told[]
  readonly place: PlaceFacts
  /** Null when it could not be found out: the folder of the sockets is not ours alone. */
  readonly survey: Survey | null
  readonly leftovers: readonly string[]
  /** What a watcher said last, and whether its process is there. */
  readonly watching: (WatchingWord & { readonly isAlive: boolean }) | null
  readonly stored: StoredFacts | null
  readonly codex: CodexFacts
  readonly shim: ShimFacts | null
  readonly config: readonly ConfigFault[]
  readonly hooks: HookFacts | null
  /** Null where none is installed. */
  readonly service: ServiceFacts | null
  /** On a master. */
  readonly serving: ServingFacts | null
  /** On a follower. */
  readonly link: LinkFacts | null
  readonly plan: PlanFacts | null
  readonly login: Auth | null
}

export type PlaceFacts = {
  /** What only this user may have: the folder, its sockets, its keys. */
  readonly owned: readonly {
    readonly path: string
    readonly mode: number
    readonly wanted: number
    /** Null on Windows. */
    readonly uid: number | null
  }[]
  /** Both homes with their links resolved; null for one that is not there. */
  readonly realStemma: string | null
  readonly realCodex: string | null
  /** Folders above the stemma folder that a program keeps in sync with other machines, by its mark in them. */
  readonly marks: readonly string[]
  /** Where volumes are mounted, and their kind; empty where the system does not tell. */
  readonly mounts: readonly { readonly at: string; readonly kind: string }[]
  readonly free: readonly { readonly path: string; readonly bytes: number }[]
  /** False on Windows, where modes say nothing. */
  readonly hasModes: boolean
}

export type StoredFacts = {
  readonly keys: Told | null
  /** Why the log cannot be used, or is read-only. */
  readonly log: Told | null
  /** Null before anything was stored. */
  readonly seq: number | null
  /** Folders that hold something canonical, the home itself included: what a master watches. */
  readonly folders: number
  /** Contents that the newest state needs. */
  readonly missing: readonly string[]
  readonly damaged: readonly string[]
  /** The evidence of a fork that nobody has settled; null for none. A rollback stands in nobody's way once it is over. */
  readonly fork: string | null
  /** An apply that was cut off behind its commit waits to be carried out. */
  readonly cutOff: boolean
  /** The records of apply cannot be believed. */
  readonly records: Told | null
}

export type CodexFacts = {
  /** The first one on PATH that is no shim; null for none. */
  readonly file: string | null
  /** Null when it did not say one. */
  readonly version: string | null
  readonly hasHome: boolean
}

export type ShimFacts = {
  readonly file: string
  /** Of what it names, what is not there. */
  readonly gone: readonly string[]
  readonly isExecutable: boolean
  /** Which `codex` a shell finds: it, another before it, or never it. */
  readonly found: 'first' | 'behind' | 'never'
}

export type ConfigFault = { readonly path: string; readonly why: string }

export type HookFacts = {
  /** This machine wants a hook (`local.toml`). */
  readonly isWanted: boolean
  /** Why Codex loads nothing of hooks.json. */
  readonly fault: string | null
  /** `features.hooks = false`. */
  readonly isOff: boolean
  readonly own: readonly OwnHook[]
}
export type OwnHook = {
  readonly event: string
  readonly status: TrustStatus
  /** What the command names and what is not there; null when it is none that this version makes. */
  readonly gone: readonly string[] | null
  /** It works on these very homes. */
  readonly isForHere: boolean
}

export type ServiceFacts = {
  /** As its system calls it. */
  readonly name: string
  /** What it runs: `master serve`. */
  readonly runs: string
  /** How to start it once more, and where to read what it says. */
  readonly again: string
  readonly logs: string
  /** It was given one of its own; null where it was not. */
  readonly port: number | null
  /** Its files are those that this version writes. */
  readonly isCurrent: boolean
  readonly hasLauncher: boolean
  /** What the launcher was written for and is not there. */
  readonly gone: readonly string[]
  /** Null when its manager does not answer. */
  readonly health: Health | null
  /** Linux: it goes on when its user has logged out; null where that is not told. */
  readonly lingers: boolean | null
}

export type ServingFacts = {
  /** What the running `master serve` says; null when none runs. */
  readonly status: MasterStatus | null
  /** It runs and did not answer. */
  readonly fault: Told | null
  readonly port: number
  /** Somebody listens at the port although no `master serve` of this folder runs. */
  readonly isTaken: boolean
  /** This machine's address on the tailnet. */
  readonly tailnet: string | null
  /** Of those that are listened on: inside the tailnet. */
  readonly hostsOnTailnet: readonly string[]
  /** Linux: what the system allows. */
  readonly inotify: { readonly watches: number; readonly instances: number } | null
}

export type LinkFacts = {
  /** What the master answered now; null when it could not be asked. */
  readonly answer: { readonly dateMs: number | null } | Told | null
  /** How the last contact of a sync went. */
  readonly trouble: TroubleReport | null
}

export type PlanFacts = {
  readonly conflicts: readonly string[]
  /** Files that stay as they are because of what lies there or of what should. */
  readonly left: readonly { readonly path: string; readonly why: string; readonly hint: string }[]
  /** Why no plan could be made. */
  readonly fault: Told | null
}
