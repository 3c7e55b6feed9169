/**
 * A machine of a test: a STEMMA_HOME and a CODEX_HOME of its own, and the built command that works on them.
 * Always holds: nothing of the caller's environment or homes reaches the command, and `remove` leaves neither
 * process nor file behind.
 */
import { execFileSync, spawn } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Server } from './server.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))
/** Far above what any command takes, below the time-out of a test. */
const commandTimeoutMs = 45_000

/** What one command did. */
export type CommandRun = {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  /** Its one object on standard output; throws when it failed. */
  json(): Record<string, unknown>
}

/** A command on its way. */
export type Running = {
  readonly pid: number
  /** What it did; its code is -1 when a signal ended it. */
  readonly done: Promise<CommandRun>
}

export type Machine = {
  readonly stemmaHome: string
  readonly codexHome: string
  /** A command that runs to its end. */
  stemma(...args: string[]): Promise<CommandRun>
  /** The same, to be watched or killed on its way. */
  launch(...args: string[]): Running
  /** A command that serves, started and accepting: it has said its first line. */
  start(...args: string[]): Promise<Server>
  /** `master serve` on a free port; `server.port` has it. */
  serve(...args: string[]): Promise<Server>
  /** Puts a file into the Codex home, whole at once, so that no scan sees half of it. */
  write(path: string, content: string): void
  erase(path: string): void
  /** A file of the Codex home; null when there is none. */
  read(path: string): string | null
  /** Keeps both homes as they are now, for `back`. Nothing may be at work in them. */
  keep(): void
  /** Ends what serves, and makes everything as it was kept, in the same place. */
  back(): Promise<void>
  remove(): Promise<void>
}

/** The newest change below a folder of sources. */
function newestMs(folder: string): number {
  return Math.max(
    0,
    ...readdirSync(join(project, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => statSync(join(entry.parentPath, entry.name)).mtimeMs),
  )
}

let checked = false
/** A file of the build of this project, which must not be older than its sources. */
export function builtFile(...path: readonly string[]): string {
  const built = join(project, 'dist', ...path)
  if (checked) return built
  const builtMs = statSync(join(project, 'dist', 'cli', 'main.js'), { throwIfNoEntry: false })?.mtimeMs
  if (builtMs === undefined) throw new Error('There is no build to test: run `npm run build`.')
  if (builtMs < Math.max(...['schemas', 'engine', 'transport', 'cli', 'bench'].map(newestMs)))
    throw new Error('The build is older than the sources: run `npm run build`.')
  checked = true
  return built
}
/** The command under test: STEMMA_CLI, or the one of the build. */
export const builtCommand = (): string => process.env['STEMMA_CLI'] || builtFile('cli', 'main.js')

/** Where a test's master listens, and whom it lets in. */
export const onLoopback = ['--host', '127.0.0.1', '--allow', '127.0.0.0/8'] as const

/** A skill as Codex reads it; `says` is the line that Codex shows its model. */
export const skillText = (name: string, says: string): string =>
  `---\nname: ${name}\ndescription: ${says}\n---\nUse few lines.\n`

/**
 * A machine with an empty Codex home, in a new temporary folder.
 * @param inside a command to put before each, such as `ip netns exec NAME`.
 * @param env on top of the bare environment.
 */
export function makeMachine(
  name: string,
  inside: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Machine {
  const root = mkdtempSync(join(tmpdir(), `stemma-${name}-`))
  const codexHome = join(root, '.codex')
  const stemmaHome = join(root, '.stemma')
  const kept = join(root, 'kept')
  const servers: Server[] = []
  mkdirSync(codexHome, { mode: 0o700 })
  const main = builtCommand()

  function spawnChild(args: readonly string[]) {
    const [command = '', ...rest] = [...inside, process.execPath, main, ...args]
    return spawn(command, rest, {
      cwd: root,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: root,
        STEMMA_HOME: stemmaHome,
        CODEX_HOME: codexHome,
        LANG: 'C.UTF-8',
        NO_COLOR: '1',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  }

  function launch(...args: string[]): Running {
    const child = spawnChild(args)
    return { pid: child.pid ?? -1, done: finish(child, args) }
  }

  async function finish(child: ReturnType<typeof spawnChild>, args: readonly string[]): Promise<CommandRun> {
    let stdout = ''
    let stderr = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text
    })
    const code = await new Promise<number>((done, fail) => {
      const late = setTimeout(() => {
        child.kill('SIGKILL')
        fail(new Error(`\`stemma ${args.join(' ')}\` did not end\n${stdout}${stderr}`))
      }, commandTimeoutMs)
      child.once('error', fail)
      child.once('close', (status) => {
        clearTimeout(late)
        done(status ?? -1)
      })
    })
    const json = () => {
      if (code !== 0) throw new Error(`\`stemma ${args.join(' ')}\` ended with ${code}: ${stderr}`)
      const value: unknown = JSON.parse(stdout)
      if (typeof value !== 'object' || value === null || Array.isArray(value))
        throw new Error(`\`stemma ${args.join(' ')}\` printed no object: ${stdout}`)
      return Object.fromEntries(Object.entries(value))
    }
    return { code, stdout, stderr, json }
  }

  async function start(...args: string[]): Promise<Server> {
    const server = new Server(spawnChild(args), args.join(' '))
    servers.push(server)
    await server.first()
    return server
  }

  return {
    stemmaHome,
    codexHome,
    stemma: (...args) => launch(...args).done,
    launch,
    start,
    serve: (...args) => start('master', 'serve', '--json', '--port', '0', ...args),
    write(path, content) {
      const file = join(codexHome, path)
      const beside = join(root, 'written')
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(beside, content)
      renameSync(beside, file)
    },
    erase(path) {
      rmSync(join(codexHome, path))
    },
    read(path) {
      const file = join(codexHome, path)
      return existsSync(file) ? readFileSync(file, 'utf8') : null
    },
    keep() {
      mkdirSync(kept, { mode: 0o700 })
      // `cpSync` does not keep the modes of folders.
      execFileSync('cp', ['-a', ...[codexHome, stemmaHome].filter((home) => existsSync(home)), kept])
    },
    async back() {
      for (const server of servers.splice(0)) await server.kill()
      for (const name of readdirSync(root))
        if (name !== basename(kept)) rmSync(join(root, name), { recursive: true })
      execFileSync('cp', ['-a', `${kept}/.`, root])
    },
    async remove() {
      for (const server of servers) await server.kill()
      rmSync(root, { recursive: true, force: true })
    },
  }
}
