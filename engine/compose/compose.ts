/**
 * What the home should hold on this machine: canonical files as they are, secrets opened, and config.toml, profiles
 * and hooks.json composed from what is canonical and what lies here.
 * Always holds: contents that hold secrets are in memory only, and for their owner alone when written; a composed
 * file that Codex would refuse is never wished for: what lies there stays, and the reason is told (S41); approvals of
 * hooks are kept right in the same wish that moves the hooks (S50).
 */
import { isRefusal, type Refusal } from '../../schemas/fault.ts'
import { secretBytesMax } from '../../schemas/limits.ts'
import type { HomePath } from '../../schemas/path.ts'
import type { Hash, Platform } from '../../schemas/shape.ts'
import type { Contents, Wish } from '../apply/wish.ts'
import { type Hook, readHooksFile } from '../codex/hook.ts'
import { approve, moveTrust } from '../codex/trust.ts'
import { sha256Hex } from '../crypto/hash.ts'
import type { Disk } from '../disk/disk.ts'
import { errnoOf } from '../disk/errno.ts'
import { readFile } from '../disk/save.ts'
import type { CanonFile, CanonFiles } from '../fold/file.ts'
import { type KeyConflict, type Last, type Merged, mergeConfig } from '../merge/merge.ts'
import type { Take } from '../merge/weigh.ts'
import type { OpenedSecret } from '../secrets/reader.ts'
import { editDocument } from '../toml/edit.ts'
import { readToml } from '../toml/toml.ts'
import { approvalEdits, approvalsOf, hooksFileOf } from './approvals.ts'
import { composeHooks, isOwnCommand } from './hooks.ts'
import { configPath, hooksPath, isComposed, isConfig, textOf } from './kind.ts'
import type { Records } from './records.ts'

/** The user's word on the conflicts within a composed file, by key; '' stands for all of it. */
export type InnerTakes = (path: HomePath) => ReadonlyMap<string, Take>

export type ComposeInput = {
  readonly disk: Disk
  readonly codexHome: string
  readonly platform: Platform
  readonly plain: CanonFiles
  readonly contents: Contents
  readonly secrets: ReadonlyMap<HomePath, OpenedSecret>
  readonly records: Records
  /** The command of our own hook; null where none is installed. */
  readonly own: string | null
  readonly takes: InnerTakes
}

/** A difference within a composed file that waits for the user. `key` is null for hooks.json as a whole. */
export type InnerConflict = {
  readonly path: HomePath
  readonly key: string | null
  readonly kind: KeyConflict['kind']
}
/** A composed file that was left as it lies there, and why. */
export type Left = { readonly path: HomePath; readonly why: string }
export type Composed = Wish & {
  readonly inner: readonly InnerConflict[]
  readonly left: readonly Left[]
  /** Files that could only be printed anew, without their comments. */
  readonly reprinted: readonly HomePath[]
  /** To be kept once all of this is in place. */
  readonly records: Records
}

export async function compose(input: ComposeInput): Promise<Composed> {
  return new Composer(input).run()
}

/** What lies at a path now. `bytes` null: nothing, or nothing that is a file of its own. `unfit`: why it is no text. */
type Local = {
  readonly bytes: Buffer | null
  readonly text: string | null
  readonly hash: Hash | null
  readonly exec: boolean
  readonly unfit: string | null
}

class Composer {
  readonly #input: ComposeInput
  readonly #files: Map<HomePath, CanonFile>
  readonly #memory = new Map<Hash, Buffer>()
  readonly #composed = new Map<HomePath, Hash | null>()
  readonly #inner: InnerConflict[] = []
  readonly #left: Left[] = []
  readonly #reprinted: HomePath[] = []
  readonly #configs = new Map<HomePath, Last>()

  constructor(input: ComposeInput) {
    this.#input = input
    this.#files = new Map(input.plain)
  }

  async run(): Promise<Composed> {
    const { secrets, records, own, contents } = this.#input
    for (const [path, { exec, plain }] of secrets) if (!isComposed(path)) this.#want(path, plain, exec)
    const hooks = await this.#hooks()
    const configs = new Set<HomePath>([...secrets.keys()].filter(isConfig))
    for (const path of records.configs.keys()) configs.add(path)
    // Our own hook, and canonical ones that move, need their approvals in config.toml, whoever else has one.
    if (own !== null || hooks.changed) configs.add(asPath(configPath))
    for (const path of [...configs].sort()) await this.#config(path, path === configPath ? hooks : null)
    const memory = this.#memory
    return {
      files: this.#files,
      contents: {
        read(hash) {
          const held = memory.get(hash)
          return held ? [held] : contents.read(hash)
        },
      },
      composed: this.#composed,
      inner: this.#inner,
      left: this.#left,
      reprinted: this.#reprinted,
      records: { configs: this.#configs, hooks: hooks.canonical },
    }
  }

  async #hooks() {
    const { secrets, records, own, platform, takes } = this.#input
    const path = asPath(hooksPath)
    const secret = secrets.get(path)
    const canonical = secret ? textOf(secret.plain) : null
    const none = { before: [], after: [], changed: false, canonical: null as string | null }
    if (canonical === null && own === null && records.hooks === null && !(await this.#hasOwnHook(path)))
      return none
    const local = await this.#local(path)
    const take = takes(path).get('') ?? null
    const result =
      local.unfit ?? composeHooks({ canonical, local: local.text, last: records.hooks, own, take })
    const before = local.text === null ? [] : readHooksFile(local.text, platform).hooks
    if (typeof result === 'string' || isRefusal(result)) {
      this.#leave(path, local, typeof result === 'string' ? result : result.why)
      return { ...none, before, after: before, canonical: records.hooks }
    }
    const after = result.text === null ? { hooks: [], fault: null } : readHooksFile(result.text, platform)
    // One bad entry, and Codex drops the whole file, ours with it.
    if (after.fault !== null) {
      this.#leave(path, local, `Codex would drop all of it: ${after.fault}.`)
      return { ...none, before, after: before, canonical: records.hooks }
    }
    if (result.conflict) this.#inner.push({ path, key: null, kind: 'edited' })
    if (result.text !== null) this.#put(path, local, Buffer.from(result.text), secret?.exec ?? local.exec)
    return { before, after: after.hooks, changed: result.text !== local.text, canonical }
  }

  /** Left from an installation whose files we forgot. */
  async #hasOwnHook(path: HomePath): Promise<boolean> {
    const local = await this.#local(path)
    return local.text !== null && readHooksFile(local.text, this.#input.platform).hooks.some(isOurs)
  }

  async #config(
    path: HomePath,
    hooks: { before: readonly Hook[]; after: readonly Hook[] } | null,
  ): Promise<void> {
    const { secrets, records } = this.#input
    const local = await this.#local(path)
    const last = records.configs.get(path) ?? null
    const secret = secrets.get(path)
    if (!secret && last === null && local.text === null && !hooks?.after.some(isOurs)) return
    const canonical = secret ? textOf(secret.plain) : ''
    const result =
      local.unfit ??
      (canonical === null
        ? 'The canonical file is not UTF-8 text.'
        : this.#merge(path, canonical, local.text, last))
    if (typeof result === 'string' || isRefusal(result)) {
      this.#leave(path, local, typeof result === 'string' ? result : result.why)
      if (last) this.#configs.set(path, last)
      return
    }
    const text = hooks ? await this.#withTrust(result.text, hooks) : result.text
    const trouble = isRefusal(text) ? text.why : result.trouble
    if (isRefusal(text) || trouble !== null) {
      this.#leave(path, local, trouble ?? '')
      if (last) this.#configs.set(path, last)
      return
    }
    if (result.fallback) this.#reprinted.push(path)
    for (const { key, kind } of result.conflicts) this.#inner.push({ path, key, kind })
    // A file that was never canonical and is wanted by nobody stays away.
    if (secret || local.text !== null || text !== '')
      this.#put(path, local, Buffer.from(text), secret?.exec ?? local.exec)
    if (secret || last) this.#configs.set(path, result.last)
  }

  /** A word on the whole file is one on each of its conflicts. */
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
      take: new Map(first.conflicts.map(({ key }) => [key, all])),
    })
  }

  /** Approvals follow their hooks; ours is approved (S50). */
  async #withTrust(
    text: string,
    { before, after }: { before: readonly Hook[]; after: readonly Hook[] },
  ): Promise<string | Refusal> {
    const { disk, codexHome } = this.#input
    const file = await hooksFileOf(disk, codexHome)
    const read = readToml(text)
    if (isRefusal(read)) return read
    const table = approvalsOf(read.table)
    const wanted = approve(file, after.filter(isOurs), moveTrust(file, before, after, table))
    const edits = approvalEdits(table, wanted)
    if (edits.length === 0) return text
    const edited = editDocument(text, edits)
    return isRefusal(edited) ? edited : edited.text
  }

  async #local(path: HomePath): Promise<Local> {
    const { disk, codexHome } = this.#input
    const none = { bytes: null, text: null, hash: null, exec: false, unfit: null }
    try {
      const at = `${codexHome}/${path}`
      const bytes = await readFile(disk, at, secretBytesMax)
      if (bytes === null) return none
      const exec = (((await disk.stat(at))?.mode ?? 0) & 0o100) !== 0
      const text = textOf(bytes)
      return {
        bytes,
        text,
        hash: sha256Hex(bytes),
        exec,
        unfit: text === null ? `${path} is not UTF-8 text.` : null,
      }
    } catch (error) {
      // A link, a folder, something unreadable: apply itself says what stands there.
      if (errnoOf(error) === null) throw error
      return none
    }
  }

  #want(path: HomePath, bytes: Buffer, exec: boolean): void {
    const blob = sha256Hex(bytes)
    this.#memory.set(blob, bytes)
    this.#files.set(path, { exec, size: bytes.length, blob, secret: true })
  }

  #put(path: HomePath, local: Local, bytes: Buffer, exec: boolean): void {
    this.#want(path, bytes, exec)
    this.#composed.set(path, local.hash)
  }

  /** What lies there is what is wished for. */
  #leave(path: HomePath, local: Local, why: string): void {
    this.#left.push({ path, why })
    if (local.bytes !== null) this.#put(path, local, local.bytes, local.exec)
  }
}

const isOurs = ({ command }: Hook): boolean => command !== null && isOwnCommand(command)
// Both constants are paths of the grammar.
const asPath = (path: string): HomePath => path as HomePath
