/**
 * The real service manager of a user: `systemd --user` in namespaces and a control group of its own.
 * Always holds: it sees none of the caller's services; `stop` ends it with all that it started and removes its group.
 * Needs root, systemd, util-linux, and a kernel whose control groups (version 2) may be mounted.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from './patience.ts'

export type UserSystemd = {
  /** What to put before a command so that it runs beside it. */
  readonly inside: readonly string[]
  /** What a login would tell that command. */
  readonly env: Readonly<Record<string, string>>
  stop(): Promise<void>
}

const binary = '/usr/lib/systemd/systemd'
const namespaces = ['--mount', '--pid', '--fork', '--cgroup', '--ipc', '--mount-proc', '--kill-child']

/** Why there can be none here, or null when there can. */
export function systemdMissing(): string | null {
  if (process.platform !== 'linux') return 'this is not Linux'
  if (process.getuid?.() !== 0) return 'this is not root'
  for (const program of [binary, 'systemctl', 'unshare', 'nsenter'])
    if (spawnSync(program, ['--version']).status !== 0) return `there is no ${program}`
  const mount =
    'mount --make-rprivate / && mount -t tmpfs tmpfs /run && mount -t cgroup2 none /mnt && mkdir /mnt/$0 && rmdir /mnt/$0'
  const probe = spawnSync('unshare', [...namespaces, 'sh', '-c', mount, `stemma-${process.pid}-probe`], {
    encoding: 'utf8',
  })
  return probe.status === 0 ? null : `its namespaces cannot be made here: ${probe.stderr.trim()}`
}

/** Process 1 of the namespaces; `$1` is the name of the group, `$2` the folder of the user. */
const script = `set -e
mount --make-rprivate /
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system /run/user/0
chmod 700 /run/user/0
if mountpoint -q /sys/fs/cgroup; then umount -R /sys/fs/cgroup; fi
mount -t cgroup2 none /sys/fs/cgroup
mkdir -p "/sys/fs/cgroup/$1/manager"
echo $$ >"/sys/fs/cgroup/$1/manager/cgroup.procs"
export HOME="$2" XDG_RUNTIME_DIR=/run/user/0
${binary} --user --log-target=console &
wait
`

/** @param home where its units lie, below `.config`. */
export async function startUserSystemd(home: string): Promise<UserSystemd> {
  const group = `stemma-${process.pid}`
  const child = spawn('unshare', [...namespaces, 'bash', '-c', script, 'bash', group, home], {
    env: { PATH: process.env['PATH'] ?? '' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    said += text
  })
  const ended = new Promise<void>((done) => child.once('close', () => done()))
  const env = { HOME: home, XDG_RUNTIME_DIR: '/run/user/0' }
  const first = () => readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim()
  const inside = () => ['nsenter', '--target', first(), '--mount', '--pid', '--cgroup', '--ipc', '--']
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
    await removeGroup(group)
  }
  try {
    await until(`systemd is up: ${said}`, () => {
      if (first() === '') return false
      const [program = '', ...args] = [...inside(), 'systemctl', '--user', 'is-system-running']
      return /^(?:running|degraded)/.test(
        spawnSync(program, args, { env: { ...process.env, ...env }, encoding: 'utf8' }).stdout,
      )
    })
  } catch (error) {
    await stop()
    throw new Error(said, { cause: error })
  }
  return { inside: inside(), env, stop }
}

/** Its processes end with their namespace, which takes a moment; the folders of its groups stay. */
async function removeGroup(group: string): Promise<void> {
  const at = mkdtempSync(join(tmpdir(), 'stemma-cgroup-'))
  try {
    execFileSync('mount', ['-t', 'cgroup2', 'none', at])
    try {
      const populated = () => /^populated 1$/m.test(readFileSync(join(at, group, 'cgroup.events'), 'utf8'))
      await until('the processes of the group are gone', () => !populated())
      const below = (folder: string): void => {
        for (const entry of readdirSync(folder, { withFileTypes: true }))
          if (entry.isDirectory()) below(join(folder, entry.name))
        rmdirSync(folder)
      }
      below(join(at, group))
    } finally {
      execFileSync('umount', [at])
    }
  } finally {
    rmSync(at, { recursive: true, force: true })
  }
}
