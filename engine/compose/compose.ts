/**
 * What the home should hold on this machine: canonical files as they are, secrets opened, and config.toml, profiles
 * and hooks.json composed from what is canonical and what lies here.
 * Always holds:
 * 1. Contents that hold secrets are in memory only, and for their owner alone when written.
 * 2. A composed file that Codex would refuse is never wished for: what lies there stays, and the reason is told (S41).
 * 3. What is not composed now is not touched, whoever put it there: only a file that was canonical, or that held our
 *    own hook, and in which nothing else is left goes away.
 * 4. Approvals of hooks are kept right in the same wish that moves the hooks (S50).
 */
import { size } from '../../schemas/amount.ts'
import type { Code } from '../../schemas/code.ts'
import { Fault, isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import { secretBytesMax } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import type { Hash, Platform } from '../../schemas/shape.ts'
import type { Contents, Wish } from '../apply/wish.ts'
import { type Hook, readHooksFile } from '../codex/hook.ts'
import { approve, disapprove, moveTrust, trustStatus } from '../codex/trust.ts'
import { sha256Hex } from '../crypto/hash.ts'
import type { Disk } from '../disk/disk.ts'
import { errnoOf } from '../disk/errno.ts'
import { readFile } from '../disk/save.ts'
import type { CanonFile, CanonFiles } from '../fold/file.ts'
import { judgeConfig } from '../merge/judge.ts'
import { type KeyConflict, type Last, type Merged, mergeConfig } from '../merge/merge.ts'
import type { Take } from '../merge/weigh.ts'
import type { OpenedSecret } from '../secrets/reader.ts'
import type { Difference } from '../show/difference.ts'
import { keyDifference } from '../show/keys.ts'
import { editDocument } from '../toml/edit.ts'
import { readToml } from '../toml/toml.ts'
import { approvalEdits, approvalsOf, hooksFileOf } from './approvals.ts'
import { splitApproved } from './approved.ts'
import { composeHooks, type HooksLast, isOwnCommand, noHooks, type OwnHooks } from './hooks.ts'
import { configPath, hooksPath, isComposed, isConfig, textOf } from './kind.ts'
import type { Approved, HashOf, Records } from './records.ts'

/** The user's word on the conflicts within a composed file, by key; '' stands for all of it. */
export type InnerTakes = (path: HomePath) => ReadonlyMap<string, Take>

export type ComposeInput = {
  readonly disk: Disk
  readonly codexHome: string
  readonly platform: Platform
  readonly plain: CanonFiles
  readonly contents: Contents
  readonly secrets: ReadonlyMap<HomePath, OpenedSecret>
  /** Canonical secrets that cannot be opened here now: what lies there stays. */
  readonly closed: ReadonlyMap<HomePath, Refusal>
  readonly records: Records
  /** What we put at each path last. */
  readonly lies: HashOf
  /** Our own hooks; null where none are installed. */
  readonly own: OwnHooks | null
  /** Canonical hooks that the master has approved are approved here. */
  readonly trustHooks: boolean
  readonly takes: InnerTakes
}

/** A difference within a composed file that waits for the user, or that was settled. `key` is null for hooks.json as a whole. */
export type InnerConflict = {
  readonly path: HomePath
  readonly key: string | null
  readonly kind: KeyConflict['kind']
  readonly moved: KeyConflict['moved']
  /** Of the key's two values, without what may be secret; null for hooks.json, whose commands may be. */
  readonly difference: Difference | null
}
/** A composed file that was left as it lies there, and why. */
export type Left = { readonly path: HomePath; readonly why: string; readonly code: Code }
export type Composed = Omit<Wish, 'prepare'> & {
  readonly inner: readonly InnerConflict[]
  /** Differences that the user chose to keep. */
  readonly innerSettled: readonly InnerConflict[]
  readonly left: readonly Left[]
  /** Files that could only be printed anew, without their comments. */
  readonly reprinted: readonly HomePath[]
  /** To be kept once all of this is in place. */
  readonly records: Records
}

export async function compose(input: ComposeInput): Promise<Composed> {
  return new Composer(input).run()
}

/** What lies at a path now. */
type Local = {
  /** Null for nothing, for what is no file of its own, and for what is unfit. */
  readonly text: string | null
  /** Null unless it is a file. */
  readonly hash: Hash | null
  readonly exec: boolean
  /** Why a file is no text that can be composed with. */
  readonly unfit: string | null
  /** A link, a folder, something unreadable: apply itself says what stands there. */
  readonly blocked: boolean
}
const nothing: Local = { text: null, hash: null, exec: false, unfit: null, blocked: false }

/** The hooks that the approvals in config.toml are for, and those that they shall be for. */
type Moved = {
  readonly before: readonly Hook[]
  readonly after: readonly Hook[]
  /** The hooks.json of the latter; null where the approvals stay as they are. */
  readonly text: string | null
  readonly last: HooksLast | null
  /** Hashes that the master vouches for. */
  readonly approved: ReadonlySet<string>
  /** Hashes that were approved on the master's word, which it has taken back. */
  readonly withdrawn: ReadonlySet<string>
}
const nobody: ReadonlySet<string> = new Set()
/** config.toml with its approvals, and the hashes among them that stand there on the master's word alone. */
type Trusting = { readonly text: string; readonly vouched: readonly string[] }

class Composer {
  readonly #input: ComposeInput
  readonly #files: Map<HomePath, CanonFile>
  readonly #memory = new Map<Hash, Buffer>()
  readonly #composed = new Map<HomePath, Hash | null>()
  readonly #inner: InnerConflict[] = []
  readonly #innerSettled: InnerConflict[] = []
  readonly #left: Left[] = []
  readonly #reprinted: HomePath[] = []
  readonly #configs = new Map<HomePath, Last>()
  #approved: Approved | null

  constructor(input: ComposeInput) {
    this.#input = input
    this.#files = new Map(input.plain)
    this.#approved = input.records.approved
  }

  async run(): Promise<Composed> {
    const { secrets, closed, records, contents } = this.#input
    for (const [path, { exec, plain }] of secrets) if (!isComposed(path)) this.#want(path, plain, exec)
    for (const [path, refusal] of closed) this.#leave(path, refusal, undefined)
    const hooks = await this.#hooks()
    const configs = new Set<HomePath>([...secrets.keys()].filter(isConfig))
    for (const path of records.configs.keys()) configs.add(path)
    // Hooks that move or are ours need their approvals in config.toml, whoever else has one.
    if (hooks.text !== null) configs.add(configPath)
    for (const path of [...configs].sort()) await this.#config(path, path === configPath ? hooks : null)
    const [memory, files, composed] = [this.#memory, this.#files, this.#composed]
    return {
      files,
      contents: {
        read(hash) {
          const held = memory.get(hash)
          return held ? [held] : contents.read(hash)
        },
      },
      composed,
      spares: (path) => closed.has(path) || (isComposed(path) && !composed.has(path)),
      inner: this.#inner,
      innerSettled: this.#innerSettled,
      left: this.#left,
      reprinted: this.#reprinted,
      records: { configs: this.#configs, hooks: hooks.last, approved: this.#approved },
    }
  }

  async #hooks(): Promise<Moved> {
    const { secrets, closed, records, own, platform, takes } = this.#input
    const path = hooksPath
    const none = { approved: nobody, withdrawn: nobody }
    const still: Moved = { before: [], after: [], text: null, last: records.hooks, ...none }
    if (closed.has(path)) return still
    const secret = secrets.get(path)
    const local = await this.#local(path)
    const sent = secret ? textOf(secret.plain) : null
    const { hooks: canonical, approved: vouched } =
      sent === null ? { hooks: null, approved: nobody } : splitApproved(sent)
    const wasOurs = local.text !== null && this.#read(local.text).some(isOurs)
    if (!secret && own === null && records.hooks === null && !wasOurs) return still
    const last = (local.blocked ? null : records.hooks) ?? noHooks
    const result =
      (local.unfit ?? (secret && canonical === null))
        ? refuse('bad-config', local.unfit ?? notText)
        : composeHooks({ canonical, local: local.text, last, own, take: takes(path).get('') ?? null })
    if (isRefusal(result)) return this.#leave(path, result, still)
    const { text } = result
    const after = readHooksFile(text ?? '{}', platform)
    // One bad entry, and Codex drops the whole file, ours with it.
    if (after.fault !== null)
      return this.#leave(path, refuse('bad-config', `Codex would drop all of it: ${after.fault}.`), still)
    this.#put(path, local, text, secret?.exec ?? local.exec)
    // Codex reads what stands in the way, and its approvals are its user's.
    if (local.blocked) return still
    if (result.conflict || result.last.declined !== null) {
      const told = result.conflict ? this.#inner : this.#innerSettled
      const moved = last.canonical === sent ? 'no' : 'too'
      told.push({ path, key: null, kind: 'edited', moved, difference: null })
    }
    const made = this.#approvedFor(path, local)
    const approved = this.#input.trustHooks ? vouched : nobody
    const withdrawn = new Set(records.approved?.vouched.filter((hash) => !approved.has(hash)))
    const unmoved = own === null && approved.size + withdrawn.size === 0 && made === (text ?? '')
    return {
      before: this.#read(made),
      after: after.hooks,
      approved,
      withdrawn,
      text: unmoved ? null : (text ?? ''),
      last: result.last.canonical === null && result.last.declined === null ? null : result.last,
    }
  }

  /**
   * The hooks.json that the approvals in config.toml are for: the one that lies there, unless we put it there in an
   * apply that was cut off before config.toml had its turn.
   */
  #approvedFor(path: HomePath, local: Local): string {
    const { records, lies } = this.#input
    const isPut = local.hash !== null && local.hash === lies(path)
    return (isPut ? records.approved?.hooks : null) ?? local.text ?? ''
  }

  #read(text: string): readonly Hook[] {
    return readHooksFile(text === '' ? '{}' : text, this.#input.platform).hooks
  }

  async #config(path: HomePath, hooks: Moved | null): Promise<void> {
    const { secrets, closed, records } = this.#input
    const secret = secrets.get(path)
    const last = records.configs.get(path) ?? null
    if (last) this.#configs.set(path, last)
    if (closed.has(path)) return
    const local = await this.#local(path)
    if (local.blocked) {
      if (secret) this.#put(path, local, secret.plain, secret.exec)
      return
    }
    const result = await this.#composeConfig(path, secret, local, last, hooks)
    if (isRefusal(result)) return this.#leave(path, result, undefined)
    const { text, merged, vouched } = result
    // A file that was never canonical, and is as it should be, is none of ours.
    if (merged === null && text === (local.text ?? '')) return
    // Where nothing is left of what was canonical, and where its user deleted it, there is no file.
    const none = secret ? local.text === null && last !== null && saysNothing(text) : text === ''
    this.#put(path, local, none ? null : text, secret?.exec ?? local.exec)
    if (hooks && hooks.text !== null) this.#approved = { hooks: hooks.text, vouched }
    if (merged === null) return
    if (merged.fallback) this.#reprinted.push(path)
    this.#inner.push(...merged.conflicts.map((one) => toInner(path, one)))
    this.#innerSettled.push(...merged.settled.map((one) => toInner(path, one)))
    if (secret || !none) this.#configs.set(path, merged.last)
    else this.#configs.delete(path)
  }

  /** `merged` is null for a file that neither is nor was canonical: only approvals change in it. */
  async #composeConfig(
    path: HomePath,
    secret: OpenedSecret | undefined,
    local: Local,
    last: Last | null,
    hooks: Moved | null,
  ): Promise<(Trusting & { readonly merged: Merged | null }) | Refusal> {
    if (local.unfit !== null) return refuse('bad-config', local.unfit)
    const canonical = secret ? textOf(secret.plain) : ''
    if (canonical === null) return refuse('bad-config', notText)
    const merged = secret || last ? this.#merge(path, canonical, local.text, last) : null
    if (isRefusal(merged)) return merged
    if (merged && merged.trouble !== null) return refuse('bad-config', merged.trouble)
    const before = merged?.text ?? local.text ?? ''
    const done = hooks ? await this.#withTrust(before, hooks) : { text: before, vouched: [] }
    if (isRefusal(done)) return done
    const trouble = merged || done.text === before ? null : judgeConfig(done.text)
    return trouble === null ? { ...done, merged } : refuse('bad-config', trouble)
  }

  /** A word on the whole file is one on each of its conflicts, those that are settled included. */
  #merge(path: HomePath, canonical: string, local: string | null, last: Last | null): Merged | Refusal {
    const takes = this.#input.takes(path)
    const all = takes.get('')
    if (all === undefined) return mergeConfig({ canonical, local, last, take: takes })
    const first = mergeConfig({ canonical, local, last })
    if (isRefusal(first)) return first
    return mergeConfig({
      canonical,
      local,
      last,
      take: new Map([...first.conflicts, ...first.settled].map(({ key }) => [key, all])),
    })
  }

  /**
   * Approvals follow their hooks; ours is approved, and so is what the master vouches for, until it does not (S50).
   * What the user approved here stays, whatever the master thinks of it.
   */
  async #withTrust(text: string, moved: Moved): Promise<Trusting | Refusal> {
    const { disk, codexHome, own, records } = this.#input
    const { before, after, approved, withdrawn } = moved
    const file = await hooksFileOf(disk, codexHome)
    const read = readToml(text)
    if (isRefusal(read)) return read
    const table = approvalsOf(read.table)
    const rest = disapprove(file, withdrawn, table)
    const kept = moveTrust(file, before, after, rest)
    // By the very words that we wrote: what merely looks like ours is approved by nobody.
    const ours = after.filter(({ command }) => command !== null && own !== null && isOneOf(own, command))
    const theirs = after.filter(({ hash }) => approved.has(hash))
    const wanted = approve(file, [...ours, ...theirs], kept)
    const was = new Set(records.approved?.vouched)
    const news = theirs.filter((hook) => was.has(hook.hash) || trustStatus(file, hook, kept) !== 'trusted')
    const vouched = [...new Set(news.map(({ hash }) => hash))].sort()
    const edits = approvalEdits(table, wanted)
    if (edits.length === 0) return { text, vouched }
    const edited = editDocument(text, edits)
    return isRefusal(edited) ? edited : { text: edited.text, vouched }
  }

  async #local(path: HomePath): Promise<Local> {
    const { disk, codexHome } = this.#input
    const at = `${codexHome}/${path}`
    try {
      const bytes = await readFile(disk, at, secretBytesMax)
      if (bytes === null) return nothing
      const exec = (((await disk.stat(at))?.mode ?? 0) & 0o100) !== 0
      const text = textOf(bytes)
      return { ...nothing, text, hash: sha256Hex(bytes), exec, unfit: text === null ? notText : null }
    } catch (error) {
      if (error instanceof Fault && error.code === 'too-many')
        return { ...nothing, unfit: `The file is larger than ${size(secretBytesMax)}.` }
      if (errnoOf(error) === null) throw error
      return { ...nothing, blocked: true }
    }
  }

  #want(path: HomePath, bytes: Buffer, exec: boolean): void {
    const blob = sha256Hex(bytes)
    this.#memory.set(blob, bytes)
    this.#files.set(path, { exec, size: bytes.length, blob, secret: true })
  }

  /** What is null goes away. */
  #put(path: HomePath, local: Local, content: Buffer | string | null, exec: boolean): void {
    if (content !== null) this.#want(path, Buffer.from(content), exec)
    this.#composed.set(path, local.hash)
  }

  /** What lies there stays. */
  #leave<T>(path: HomePath, { refused: code, why }: Refusal, still: T): T {
    this.#left.push({ path, why, code })
    return still
  }
}

const toInner = (path: HomePath, { key, kind, moved, canonical, local }: KeyConflict): InnerConflict => ({
  ...{ path, key, kind, moved },
  difference: keyDifference(key, canonical, local),
})
const saysNothing = (text: string): boolean => {
  const read = readToml(text)
  return !isRefusal(read) && Object.keys(read.table).length === 0
}
const notText = 'It is not UTF-8 text.'
const isOurs = ({ command }: Hook): boolean => command !== null && isOwnCommand(command)
const isOneOf = (own: OwnHooks, command: string): boolean =>
  command === own.SessionStart || command === own.SessionEnd
