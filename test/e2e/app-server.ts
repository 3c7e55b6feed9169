/**
 * `codex app-server` of a home, asked over its standard input and output: what Codex itself makes of that home.
 * Always holds: nothing of the caller's environment or homes reaches it, every question is answered or fails, and
 * `close` leaves no process behind.
 */
import { spawn } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { isTable, type Table, valueAt } from '../../engine/toml/value.ts'
import { codexBinary, codexEnv } from './codex.ts'
import { parseExactly } from './exact.ts'

/** Far above the tenths of a second that an answer takes, below the time-out of a test. */
const answerTimeoutMs = 30_000

/** A hook as `hooks/list` shows it, as far as tests look at it. */
export type ListedHook = {
  readonly key: string
  readonly eventName: string
  readonly currentHash: string
  readonly trustStatus: 'managed' | 'untrusted' | 'trusted' | 'modified'
  readonly enabled: boolean
  readonly timeoutSec: number
  readonly matcher: string | null
  readonly command?: string
  readonly sourcePath: string
}
export type HooksListed = {
  readonly hooks: readonly ListedHook[]
  readonly warnings: readonly string[]
  readonly errors: readonly { readonly path: string; readonly message: string }[]
}

/** A layer of `config/read`: `name.type` is `user`, `system`, `project` and the like. */
export type ConfigLayer = {
  readonly name: { readonly type: string; readonly file?: string }
  readonly version: string
  readonly config: Record<string, unknown>
}
export type ConfigRead = {
  readonly config: Record<string, unknown>
  /** Which layer each key, dotted, came from. */
  readonly origins: Record<string, { readonly name: ConfigLayer['name']; readonly version: string }>
  readonly layers: readonly ConfigLayer[]
}

export type AppServer = {
  readonly pid: number
  /** One call. Rejects with the server's own message when it answers with an error. */
  call<Result>(method: string, params: Record<string, unknown>): Promise<Result>
  /** The configuration as Codex merged it, with its layers. */
  readConfig(cwd?: string): Promise<ConfigRead>
  /** What it read of the home's config.toml, type for type, and where it says that each key, dotted, came from. */
  readUser(): Promise<{ readonly table: Table; readonly origins: ConfigRead['origins'] }>
  /** The hooks that it finds for a session in `cwd`, and what it would run of them. */
  listHooks(cwd?: string): Promise<HooksListed>
  close(): Promise<void>
}

type Answer = { readonly result: unknown; readonly line: string }
type Waiting = { readonly done: (answer: Answer) => void; readonly fail: (why: Error) => void }

/** Starts it on `home` (its CODEX_HOME) and shakes hands; `env` goes on top of the bare environment of a test. */
export async function startAppServer(
  home: string,
  env: Readonly<Record<string, string>> = {},
): Promise<AppServer> {
  const cwd = `${home}.user`
  mkdirSync(cwd, { recursive: true })
  const child = spawn(codexBinary(), ['app-server'], {
    cwd,
    env: { ...codexEnv(home), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const waiting = new Map<number, Waiting>()
  let lastId = 0
  let stderr = ''
  let over = false
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const ended = new Promise<void>((done) => child.once('close', () => done()))
  const giveUp = (why: string) => {
    over = true
    for (const one of waiting.values()) one.fail(new Error(`codex app-server ${why}\n${stderr}`))
    waiting.clear()
  }
  child.once('error', (error) => giveUp(error.message))
  child.once('close', (status) => giveUp(`ended with ${status}`))
  child.stdin.on('error', () => giveUp('takes no more questions'))
  const answered = (line: string) => {
    const message: { id?: unknown; result?: unknown; error?: { message?: unknown } } = JSON.parse(line)
    const one = typeof message.id === 'number' ? waiting.get(message.id) : undefined
    if (one === undefined || typeof message.id !== 'number') return
    waiting.delete(message.id)
    if (message.error) one.fail(new Error(String(message.error.message)))
    else one.done({ result: message.result, line })
  }
  // By hand: `readline` ends a line at U+2028 as well, which JSON leaves as it is.
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n')
    rest = lines.pop() ?? ''
    lines.forEach(answered)
  })

  const say = (message: Record<string, unknown>) => child.stdin.write(`${JSON.stringify(message)}\n`)

  function ask(method: string, params: Record<string, unknown>): Promise<Answer> {
    if (over) return Promise.reject(new Error(`codex app-server is not there for ${method}\n${stderr}`))
    const id = ++lastId
    return new Promise<Answer>((resolve, reject) => {
      const late = setTimeout(() => {
        waiting.delete(id)
        reject(new Error(`codex app-server does not answer ${method}\n${stderr}`))
      }, answerTimeoutMs)
      waiting.set(id, {
        done: (answer) => {
          clearTimeout(late)
          resolve(answer)
        },
        fail: (why) => {
          clearTimeout(late)
          reject(why)
        },
      })
      say({ id, method, params })
    })
  }

  const call = async <Result>(method: string, params: Record<string, unknown>) =>
    (await ask(method, params)).result as Result
  const layered = (folder: string) => ({ includeLayers: true, cwd: folder })

  await call('initialize', { clientInfo: { name: 'stemma-test', title: 'stemma test', version: '0' } })
  say({ method: 'initialized' })

  return {
    pid: child.pid ?? -1,
    call,
    readConfig: (folder = cwd) => call<ConfigRead>('config/read', layered(folder)),
    async readUser() {
      const { result, line } = await ask('config/read', layered(cwd))
      const { layers, origins } = result as ConfigRead
      const at = layers.findIndex(({ name }) => name.type === 'user')
      const exact = parseExactly(line)
      const found = isTable(exact) ? valueAt(exact, ['result', 'layers']) : undefined
      const layer = Array.isArray(found) ? found[at] : undefined
      const table = isTable(layer) ? layer['config'] : undefined
      if (!isTable(table)) throw new Error(`codex app-server has no layer of its user: ${line}`)
      return { table, origins }
    },
    async listHooks(folder = cwd) {
      const { data } = await call<{ data: readonly HooksListed[] }>('hooks/list', { cwds: [folder] })
      const [listed] = data
      if (listed === undefined) throw new Error('codex app-server listed no hooks for the folder')
      return listed
    },
    async close() {
      child.stdin.end()
      const late = setTimeout(() => child.kill('SIGKILL'), answerTimeoutMs)
      await ended
      clearTimeout(late)
    },
  }
}
