/**
 * Which Codex sessions are in progress on a home, decided from what Codex 0.169 leaves behind. Pure.
 * Always holds: a thread that a process writes is a session, whoever that process is; where the system cannot say
 * who holds a writer lock, its file counts as held. A background daemon, an app server, a login or the like that
 * writes no thread is no session.
 */

/** A file in `thread-writer-locks/`: made when a thread is loaded, removed when it is let go, left by a kill. */
export type WriterLock = {
  readonly thread: string
  /** `unseen`: held by a process that this one cannot see. `unknown`: the system does not tell. */
  readonly holder: { readonly pid: number } | 'nobody' | 'unseen' | 'unknown'
}
/** A process of Codex with this home; `args` as it was started, its own name left out. */
export type CodexProcess = { readonly pid: number; readonly args: readonly string[] }
export type Observation = {
  readonly locks: readonly WriterLock[]
  /** Null where the system does not tell. */
  readonly processes: readonly CodexProcess[] | null
}

export type Session = {
  /** Null when it is not known. */
  readonly pid: number | null
  /** The thread's id; null for a session that keeps no transcript, or has only begun. */
  readonly thread: string | null
}

/**
 * The sessions, one for each thread and one for each process that has none.
 * @param ended a thread whose last turn is over (SessionEnd), though its process is still there.
 */
export function findSessions(
  { locks, processes }: Observation,
  ended: string | null = null,
): readonly Session[] {
  const held = locks.flatMap(({ thread, holder }): Session[] => {
    if (holder === 'nobody') return []
    return [{ thread, pid: typeof holder === 'object' ? holder.pid : null }]
  })
  const threads = held.filter(({ thread }) => thread !== ended)
  const writing = new Set(held.map((session) => session.pid))
  const others = (processes ?? []).filter(({ pid, args }) => !writing.has(pid) && isSession(args))
  return [...threads, ...others.map(({ pid }) => ({ pid, thread: null }))]
}

/** Subcommands of Codex 0.169 that hold a conversation; so does Codex without any. */
const talking: ReadonlySet<string> = new Set(['exec', 'e', 'review', 'resume', 'fork', 'agents'])
/** Those that hold none, or (servers) only as far as they hold a writer lock. */
const silent: ReadonlySet<string> = new Set([
  ...[
    'app-server',
    'exec-server',
    'remote-control',
    'login',
    'logout',
    'mcp',
    'plugin',
    'completion',
    'update',
  ],
  ...[
    'doctor',
    'sandbox',
    'debug',
    'apply',
    'a',
    'queue',
    'archive',
    'unarchive',
    'delete',
    'features',
    'help',
  ],
  ...['migrate-rollouts', 'migrate-nfs-db', 'cloud', '--version', '-V', '--help', '-h'],
])

/** The first word that is a subcommand decides; a value that an option before it takes is hardly ever such a word. */
export function isSession(args: readonly string[]): boolean {
  const word = args.find((arg) => talking.has(arg) || silent.has(arg))
  return word === undefined || talking.has(word)
}
