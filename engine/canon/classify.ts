/**
 * What a path of a Codex home is: the one table that says what travels (S28–S32).
 * Always holds: rules match whole paths from the home's root, so a skill named `cache` or `history` travels
 * (S31); an exclude rule wins over everything; no include rule makes plain what the fixed rows name.
 * Fixed rows compare by collision key (`AUTH.JSON` is auth.json where names fold), inclusions exactly.
 */
import { filesMax } from '../../schemas/limits.ts'
import { ancestors, foldName } from '../../schemas/path.ts'
import type { Selection } from './selection.ts'

export type Class =
  /** Travels as it is. */
  | { readonly kind: 'plain' }
  /** Canonical, but may hold secrets: never stored or sent in the clear. */
  | { readonly kind: 'sealed' }
  /** Sealed too, but only once an include rule asks for it. */
  | { readonly kind: 'asked-only' }
  /** Codex makes it anew while it runs. */
  | { readonly kind: 'runtime'; readonly why: string }
  /** Stays here as well, but an include rule may ask for it. */
  | { readonly kind: 'opt-in'; readonly why: string }
  /** Belongs to this machine alone. */
  | { readonly kind: 'machine'; readonly why: string }
  /** The user's exclude rule names it. */
  | { readonly kind: 'excluded' }
  /** In no table: stays here, and `status` lists it. */
  | { readonly kind: 'unlisted' }

const plain: Class = { kind: 'plain' }
const sealed: Class = { kind: 'sealed' }
const askedOnly: Class = { kind: 'asked-only' }
const excluded: Class = { kind: 'excluded' }
const unlisted: Class = { kind: 'unlisted' }
const runtime = (why: string): Class => ({ kind: 'runtime', why })
const machine = (why: string): Class => ({ kind: 'machine', why })

/** S28: these files at the root, and everything in these folders. */
const plainFiles = new Set(['AGENTS.md', 'AGENTS.override.md', 'RTK.md'])
const plainFolders = new Set(['hooks', 'prompts', 'rules', 'skills', 'skill-libraries'])

/** S29: names that hold credentials by convention. They do so at any depth: a skill's `.env` too. */
const secretNames = new Map<string, Class>([
  ['auth.json', sealed],
  ['.env', sealed],
  ['gateway_oauth.json', sealed],
  ['.credentials.json', askedOnly],
])
/** S29: at the root only, these may hold tokens among other things. */
const sealedFiles = new Set(['config.toml', 'hooks.json', 'mise.toml'])
const profileEnd = '.config.toml'

/** S30, by the first part of a path. Each name is one that Codex 0.169 was seen to make. */
const fixed = new Map<string, Class>([
  ['sessions', runtime('transcripts of sessions')],
  ['archived_sessions', runtime('transcripts of sessions')],
  ['session_index.jsonl', runtime('transcripts of sessions')],
  ['history.jsonl', runtime('transcripts of sessions')],
  ['compact', runtime('compact hand-offs')],
  ['handoffs', runtime('compact hand-offs')],
  ['log', runtime('logs')],
  ['logs', runtime('logs')],
  ['cache', runtime('a cache')],
  ['models_cache.json', runtime('a cache, bound to the account')],
  ['tmp', runtime('temporary files')],
  ['.tmp', runtime('temporary files')],
  ['shell_snapshots', runtime('shell snapshots')],
  ['thread-writer-locks', runtime('locks')],
  ['mcp-oauth-locks', runtime('locks')],
  ['tui-thread-reference-capabilities', runtime('state of running sessions')],
  ['app-server-daemon', runtime('state of the daemon')],
  ['app-server-control', runtime('state of the daemon')],
  ['packages', runtime("the daemon's own copy of Codex")],
  ['plugins', runtime('plugins that Codex fetches by itself')],
  ['version.json', runtime('the last update check')],
  ['.sandbox_migration', machine('a migration mark')],
  ['.personality_migration', machine('a migration mark')],
  ['.codex-global-state.json', machine('state of the desktop app')],
  ['installation_id', machine("this installation's identity")],
  ['auth.lock', runtime('locks')],
  ['multi-auth', machine('an account store: imported into the pool, never copied')],
  ['accounts', machine('an account store: imported into the pool, never copied')],
  ['.git', machine('version control')],
])
/** S30: excluded like the rows above, but an include rule may opt in. */
const optional = new Map<string, Class>([['memories', { kind: 'opt-in', why: 'learned text' }]])

/** Outside the plain folders these are never content: a copy of a live database or lock is unsafe or senseless. */
const neverContent = /\.(?:sqlite3?|db)(?:-(?:wal|shm|journal))?$|\.(?:lock|pid|sock)$/
/**
 * Inside them, what tools leave beside a file: whole folders, and names of files. Few on purpose: whatever is not
 * listed here is content.
 */
const debrisFolder = /(?:^|\/)(?:\.git|\.hg|\.svn|__pycache__)(?:\/|$)/
const debrisFile = /(?:^|\/)(?:\.ds_store|thumbs\.db|desktop\.ini|\.#[^/]*|[^/]*~|[^/]*\.sw[op])$/

/** @param path from the home's root, with `/`; of a file, or of a folder without `/` at its end. */
export function classify(path: string, selection: Selection): Class {
  const known = classesOf(selection)
  const there = known.get(path)
  if (there) return there
  const found = judge(path, selection)
  // Names that came and went, and those of others who write to the home, are not kept for ever.
  if (known.size >= filesMax) known.clear()
  known.set(path, found)
  return found
}

/** Every look asks for every path, several times; a selection never changes in place. */
const classes = new WeakMap<Selection, Map<string, Class>>()
function classesOf(selection: Selection): Map<string, Class> {
  const there = classes.get(selection)
  if (there) return there
  const none = new Map<string, Class>()
  classes.set(selection, none)
  return none
}

function judge(path: string, selection: Selection): Class {
  if (matches(path, selection.exclude)) return excluded
  const never = fixedClass(path)
  if (never) return never.kind === 'asked-only' && matches(path, selection.include) ? sealed : never
  const first = firstPart(path)
  if (plainFolders.has(first) && path.length > first.length) {
    const debris = isDebris(path) && !ruleSet(selection.include).has(path)
    return debris ? runtime('left behind by an editor or a tool') : plain
  }
  if (plainFiles.has(path)) return plain
  if (neverContent.test(foldName(path))) return runtime('a database or a lock')
  if (matches(path, selection.include)) return plain
  return optional.get(foldName(first)) ?? unlisted
}

/** True when something below this folder may be plain or sealed: a scan walks it, a watcher watches it. */
export function mayContain(folder: string, selection: Selection): boolean {
  if (folder === '') return true
  if (matches(folder, selection.exclude)) return false
  const never = fixedClass(folder)
  // A folder may bear the name of a secret file (`skills/auth.json/`); only the file is one.
  if (never && never.kind !== 'sealed' && never.kind !== 'asked-only') return false
  if (plainFolders.has(firstPart(folder))) return !debrisFolder.test(foldName(folder))
  if (matches(folder, selection.include)) return true
  return selection.include.some((rule) => rule.startsWith(`${folder}/`))
}

/** A name that may hold secrets, whatever is selected: what is told of such a file says nothing of its content. */
export function mayBeSecret(path: string): boolean {
  const kind = fixedClass(path)?.kind
  return kind === 'sealed' || kind === 'asked-only'
}

/** The class that no include rule changes, or null. */
function fixedClass(path: string): Class | null {
  const folded = foldName(path)
  const first = firstPart(folded)
  const row = fixed.get(first)
  if (row) return row
  if (first.startsWith('.stemma')) return machine("stemma's own")
  if (folded === 'skills/.system' || folded.startsWith('skills/.system/'))
    return runtime('skills that Codex unpacks by itself')
  const secret = secretNames.get(folded.slice(folded.lastIndexOf('/') + 1))
  if (secret) return secret
  if (first.length < folded.length) return null
  if (sealedFiles.has(first) || (first.endsWith(profileEnd) && first.length > profileEnd.length))
    return sealed
  return isCopyOfSecret(first) ? machine('a copy of a file that may hold secrets') : null
}

/** `auth.json.bak`, `config.toml~`, `.env.local`: what lies beside a secret file at the root is treated as one. */
function isCopyOfSecret(name: string): boolean {
  for (const secret of secretNames.keys()) if (name.startsWith(secret)) return true
  for (const secret of sealedFiles) if (name.startsWith(secret)) return true
  return name.includes(`${profileEnd}.`) || name.endsWith(`${profileEnd}~`)
}

function isDebris(path: string): boolean {
  const folded = foldName(path)
  return debrisFile.test(folded) || debrisFolder.test(folded)
}

const firstPart = (path: string): string => {
  const end = path.indexOf('/')
  return end === -1 ? path : path.slice(0, end)
}

/** A rule names the path itself, or a folder above it. */
function matches(path: string, rules: readonly string[]): boolean {
  if (rules.length === 0) return false
  const set = ruleSet(rules)
  return set.has(path) || ancestors(path).some((folder) => set.has(folder))
}

/** One set per rule list, without final slashes: a scan asks for every path, and a list never changes in place. */
const ruleSets = new WeakMap<readonly string[], ReadonlySet<string>>()
function ruleSet(rules: readonly string[]): ReadonlySet<string> {
  const there = ruleSets.get(rules)
  if (there) return there
  const set = new Set(rules.map((rule) => rule.replace(/\/$/, '')))
  ruleSets.set(rules, set)
  return set
}
