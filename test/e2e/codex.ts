/**
 * The real Codex CLI for tests: where its native binary is, and one `codex exec` in a home of its own.
 * Always holds: nothing of the caller's environment or home reaches Codex, standard input is closed, and a run
 * that hangs is ended. Where Codex is missing the tests that need it are skipped, in CI they fail.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, realpathSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { describe } from 'vitest'

/** The version whose behaviour the tests pin; another one is not taken. */
export const codexVersion = '0.169.0'
/** Far above the half second that a run takes, far below the time-out of a test. */
const execTimeoutMs = 45_000

/** The native binaries below a folder with npm's layout; npm's own `codex` is a script that only starts one of them. */
function nativeBinaries(packages: string): string[] {
  const below = (folder: string): string[] => {
    try {
      return readdirSync(folder).map((name) => join(folder, name))
    } catch {
      return []
    }
  }
  return below(join(packages, '@openai'))
    .flatMap((platform) => below(join(platform, 'vendor')))
    .map((target) => join(target, 'bin', process.platform === 'win32' ? 'codex.exe' : 'codex'))
}

/** `codex` of the search path: itself when it is native, else the binary that its npm package starts. */
function onPath(): string[] {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      const found = realpathSync(join(folder, 'codex'))
      return found.endsWith('.js') ? nativeBinaries(join(dirname(found), '..', '..', '..')) : [found]
    } catch {
      // Not in this folder.
    }
  }
  return []
}

function isPinned(binary: string): boolean {
  try {
    const said = execFileSync(binary, ['--version'], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    return said.trim() === `codex-cli ${codexVersion}`
  } catch {
    return false
  }
}

function findCodex(): string | null {
  const named = process.env['STEMMA_CODEX']
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache')
  const candidates = named
    ? [named]
    : [...nativeBinaries(join(cache, 'stemma-ci', `codex-${codexVersion}`, 'node_modules')), ...onPath()]
  return candidates.find(isPinned) ?? null
}

const binary = findCodex()
const required = process.env['CI'] === 'true' && process.env['STEMMA_REQUIRE_CODEX'] === '1'

/** `describe` for tests that run Codex. Without one they are skipped with a line that says so, or fail where it is required. */
export function describeCodex(name: string, tests: () => void): void {
  if (binary === null && !required) {
    process.stderr.write(
      `skipped: ${name}: no Codex ${codexVersion} here (STEMMA_CODEX can name its binary)\n`,
    )
  }
  describe.skipIf(binary === null && !required)(name, tests)
}

/**
 * Writes the config.toml that sends Codex to a model server of ours and nowhere else. The home is made if need be.
 * @param baseUrl as `FakeModel.baseUrl` has it, ending in `/v1`.
 */
export function writeCodexConfig(home: string, baseUrl: string): void {
  mkdirSync(home, { recursive: true })
  writeFileSync(
    join(home, 'config.toml'),
    `model = "gpt-5.1"
model_provider = "fake"
check_for_update_on_startup = false

[model_providers.fake]
name = "fake"
base_url = "${baseUrl}"
experimental_bearer_token = "test-bearer"
request_max_retries = 0
stream_max_retries = 0

[analytics]
enabled = false

[features]
apps = false
plugins = false
unbounded_connection_retries = false
`,
  )
}

/** The native binary. Fails where there is none, which `describeCodex` lets happen only where one is required. */
export function codexBinary(): string {
  if (binary === null)
    throw new Error(`Codex ${codexVersion} is required here: run .ci/run, or set STEMMA_CODEX`)
  return binary
}

/** All of the environment that Codex gets in a test; the user's home lies beside `home`. */
export const codexEnv = (home: string): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: `${home}.user`,
  CODEX_HOME: home,
  LANG: 'C.UTF-8',
})

export type CodexRun = { readonly code: number; readonly stdout: string; readonly stderr: string }

/**
 * One turn of `codex exec` with `home` as CODEX_HOME, in an empty folder that is no repository.
 * @param inside a command to put before it, such as `ip netns exec NAME`.
 * @param env on top of the bare environment of a test.
 * @param program what to start in place of the native binary, such as a shim that leads to it.
 */
export async function runCodexExec(run: {
  readonly home: string
  readonly prompt: string
  readonly inside?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly program?: string
}): Promise<CodexRun> {
  const user = `${run.home}.user`
  const cwd = join(user, 'project')
  mkdirSync(cwd, { recursive: true })
  const [command = '', ...args] = [
    ...(run.inside ?? []),
    run.program ?? codexBinary(),
    'exec',
    '--skip-git-repo-check',
    '--sandbox',
    'read-only',
    run.prompt,
  ]
  const child = spawn(command, args, {
    cwd,
    env: { ...codexEnv(run.home), ...run.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: execTimeoutMs,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  const code = await new Promise<number>((done, fail) => {
    child.once('error', fail)
    child.once('close', (status) => done(status ?? -1))
  })
  return { code, stdout, stderr }
}
