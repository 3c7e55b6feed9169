/** Scan and watch on real files: odd names, pipes, sockets, size, speed. */
import { execFileSync, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Blobs } from '../../../engine/blobs/blobs.ts'
import { diff } from '../../../engine/canon/diff.ts'
import { emptyIndex, type Scan, scan } from '../../../engine/canon/scan.ts'
import { defaultSelection, type Selection } from '../../../engine/canon/selection.ts'
import { HomeWatch, type WatchState } from '../../../engine/canon/watch.ts'
import type { Disk } from '../../../engine/disk/disk.ts'
import { openDisk } from '../../../engine/disk/real.ts'
import { systemClock, systemIds } from '../../../engine/env/system.ts'
import { Fault } from '../../../schemas/fault.ts'
import { fileBytesMax } from '../../../schemas/limits.ts'
import { bundle } from '../../compiled.ts'
import { applied } from './home.ts'

let root = ''
let home = ''
let disk: Disk
let blobs: Blobs
beforeEach(async () => {
  root = fs.realpathSync(fs.mkdtempSync(join(tmpdir(), 'canon-')))
  home = join(root, 'codex')
  fs.mkdirSync(home)
  disk = await openDisk(root)
  blobs = new Blobs(disk, systemIds, join(root, 'blobs'))
  await blobs.open()
})
afterEach(() => fs.rmSync(root, { recursive: true, force: true }))

const put = (path: string, content: string | Buffer = 'x') => {
  fs.mkdirSync(join(home, path, '..'), { recursive: true })
  fs.writeFileSync(join(home, path), content)
}
const look = (from?: Scan) =>
  scan({
    disk,
    blobs,
    clock: systemClock,
    home,
    selection: defaultSelection,
    previous: from ? applied(new Map(), diff(new Map(), from)) : new Map(),
    previousSecrets: new Set(),
    index: from?.index ?? emptyIndex,
  })

const posix = process.platform === 'linux'
test.runIf(posix)('S33: pipes, sockets, twins, odd names: each a warning, the rest travels', async () => {
  put('AGENTS.md')
  put('skills/café/SKILL.md')
  put('prompts/cafe\u0301.md')
  put('prompts/Read.md')
  put('prompts/read.md')
  put('prompts/a:b')
  put('prompts/AUX.md')
  put('prompts/esc\u001b[31m')
  fs.writeFileSync(Buffer.concat([Buffer.from(`${home}/prompts/bad-`), Buffer.from([0xff, 0xfe])]), 'x')
  execFileSync('mkfifo', [join(home, 'hooks-fifo'), join(home, 'prompts/fifo')])
  const server = net.createServer().listen(join(home, 'prompts/sock'))
  await new Promise((resolve) => server.once('listening', resolve))
  try {
    const found = await look()
    expect([...found.files.keys()]).toEqual(['AGENTS.md', 'prompts/Read.md', 'skills/café/SKILL.md'])
    expect(found.warnings.map(({ kind }) => kind).sort()).toEqual([
      'bad-name',
      'bad-name',
      'bad-name',
      'bad-name',
      'bad-name',
      'collision',
      'not-a-file',
      'not-a-file',
    ])
    expect(found.unlisted).toEqual(['hooks-fifo'])
    expect(found.again).toBe(false)
  } finally {
    server.close()
  }
})

test('Q3: 64 MiB are streamed with flat memory, one byte more is a warning', async () => {
  const path = join(home, 'skills/big/data')
  put('skills/big/data', Buffer.alloc(0))
  fs.truncateSync(path, fileBytesMax)
  const before = process.memoryUsage().rss
  const found = await look()
  const grown = process.memoryUsage().rss - before
  expect(found.files.get('skills/big/data' as never)?.size).toBe(fileBytesMax)
  expect(grown).toBeLessThan(fileBytesMax)
  fs.truncateSync(path, fileBytesMax + 1)
  const later = await look(found)
  expect(later.warnings.map(({ kind }) => kind)).toEqual(['too-large'])
  expect([...later.kept]).toEqual(['skills/big/data'])
})

test('S25: 10,000 unchanged files are looked at again without reading one (bench has the time)', async () => {
  for (let i = 0; i < 1000; i++) {
    fs.mkdirSync(join(home, `skills/s${i}/x`), { recursive: true })
    for (let j = 0; j < 10; j++) fs.writeFileSync(join(home, `skills/s${i}/x/f${j}.md`), `${j}`)
  }
  // Old files, so that none is racily clean.
  const late = { ...systemClock, now: () => Date.now() + 60_000 }
  const input = { disk, blobs, clock: late, home, selection: defaultSelection }
  const first = await scan({ ...input, previous: new Map(), previousSecrets: new Set(), index: emptyIndex })
  expect(first.files.size).toBe(10_000)
  const next = await scan({ ...input, previous: first.files, previousSecrets: new Set(), index: first.index })
  expect(diff(first.files, next)).toEqual([])
  expect(next.read.files).toBe(0)
})

/** A watch whose hints and states are counted, and waited for. */
async function watched(selection: Selection = defaultSelection, over: Partial<Disk> = {}) {
  const states: WatchState[] = []
  let hints = 0
  let heard = () => {}
  const watch = new HomeWatch({
    disk: Object.assign(Object.create(disk), over),
    clock: systemClock,
    home,
    selection,
    onHint: () => {
      hints++
      heard()
    },
    onState: (state) => {
      states.push(state)
      heard()
    },
  })
  await watch.open()
  const until = async (done: () => boolean) => {
    while (!done()) await new Promise<void>((resolve) => (heard = resolve))
  }
  return {
    watch,
    states,
    hints: () => hints,
    until,
    /** The hint that `act` causes. */
    async hinted(act: () => void) {
      const from = hints
      act()
      await until(() => hints > from)
    },
  }
}

test('S25: every kind of change in what travels is a hint, and nothing else is', async () => {
  put('AGENTS.md')
  put('skills/a/SKILL.md')
  put('sessions/2026/rollout.jsonl')
  put('packages/x/y')
  const { watch, hinted, hints, states } = await watched()
  expect(states).toEqual([{ kind: 'watching' }])
  try {
    await hinted(() => fs.appendFileSync(join(home, 'AGENTS.md'), 'more'))
    await hinted(() => fs.writeFileSync(join(home, 'skills/a/SKILL.md'), 'other'))
    await hinted(() => put('skills/new/deep/SKILL.md'))
    await hinted(() => fs.renameSync(join(home, 'skills/new'), join(home, 'skills/old')))
    await hinted(() => fs.chmodSync(join(home, 'skills/a/SKILL.md'), 0o755))
    await hinted(() => fs.rmSync(join(home, 'skills/a'), { recursive: true }))
    await hinted(() => put('config.toml'))
    await hinted(() => put('prompts/first.md'))
    // Late hints of the above have come once the last of them is a second old.
    let seen = -1
    while (seen !== hints()) {
      seen = hints()
      await systemClock.wait(1000)
    }
    fs.appendFileSync(join(home, 'sessions/2026/rollout.jsonl'), 'more')
    put('sessions/2027/rollout.jsonl')
    put('packages/z')
    put('state_5.sqlite-wal')
    put('log/codex-tui.log')
    await hinted(() => fs.appendFileSync(join(home, 'AGENTS.md'), 'last'))
    expect(hints()).toBeLessThanOrEqual(seen + 3)
  } finally {
    await watch.close()
  }
})

const backslashed = ['a \\ b', 'two\\\\of', 'last\\']
test.runIf(posix).each(backslashed)(
  'S25: a home below %j is watched, and so is a link of that name',
  async (name) => {
    home = join(root, name, 'codex')
    const target = join(root, name, 'work')
    fs.mkdirSync(target, { recursive: true })
    put(`skills/${name}/SKILL.md`)
    put('sessions/2026/rollout.jsonl')
    fs.symlinkSync(target, join(home, 'skills/mine'))
    const selection = { ...defaultSelection, links: [{ path: 'skills/mine' as never, target }] }
    const { watch, hinted, hints } = await watched(selection)
    try {
      await hinted(() => fs.writeFileSync(join(target, 'SKILL.md'), 'x'))
      await hinted(() => fs.appendFileSync(join(home, 'skills', name, 'SKILL.md'), 'x'))
      const from = hints()
      fs.appendFileSync(join(home, 'sessions/2026/rollout.jsonl'), 'more')
      await hinted(() => put('AGENTS.md'))
      expect(hints()).toBeLessThanOrEqual(from + 3)
    } finally {
      await watch.close()
    }
  },
)

test('S25: a folder that is removed and made again is still watched', async () => {
  put('skills/a/SKILL.md')
  const { watch, hinted, until, states } = await watched()
  try {
    await hinted(() => {
      fs.rmSync(join(home, 'skills/a'), { recursive: true })
      put('skills/a/SKILL.md', 'again')
    })
    await until(() => states.length === 3)
    expect(states.map(({ kind }) => kind)).toEqual(['watching', 'starting', 'watching'])
    await hinted(() => fs.appendFileSync(join(home, 'skills/a/SKILL.md'), 'x'))
  } finally {
    await watch.close()
  }
})

test('S25: a home that is moved away and replaced is watched again', async () => {
  put('AGENTS.md')
  const { watch, hinted, until, states } = await watched()
  try {
    fs.renameSync(home, `${home}-old`)
    await until(() => states.at(-1)?.kind === 'polling')
    fs.mkdirSync(home)
    await until(() => states.at(-1)?.kind === 'watching')
    await hinted(() => put('skills/a/SKILL.md'))
  } finally {
    await watch.close()
  }
})

test('S33: approved links are watched where they lead; others are not followed', async () => {
  const target = join(root, 'work')
  fs.mkdirSync(join(target, 'inner'), { recursive: true })
  const other = join(root, 'other')
  fs.mkdirSync(other)
  put('skills/a/SKILL.md')
  fs.symlinkSync(target, join(home, 'skills/mine'))
  fs.symlinkSync(other, join(home, 'skills/other'))
  const selection = { ...defaultSelection, links: [{ path: 'skills/mine' as never, target }] }
  const { watch, hinted, hints } = await watched(selection)
  try {
    await hinted(() => fs.writeFileSync(join(target, 'inner/SKILL.md'), 'x'))
    await systemClock.wait(600)
    const from = hints()
    fs.writeFileSync(join(other, 'SKILL.md'), 'x')
    await systemClock.wait(300)
    expect(hints()).toBe(from)
  } finally {
    await watch.close()
  }
})

const limited = ['-Ur', 'sh', '-c', 'echo 3 > /proc/sys/user/max_inotify_watches && exec "$@"', 'sh']
const canLimit = process.platform === 'linux' && spawnSync('unshare', [...limited, 'true']).status === 0
test.runIf(canLimit)('S25: without watches left the home is polled, and the state says so', async () => {
  for (let i = 0; i < 10; i++) put(`skills/s${i}/SKILL.md`)
  const compiled = await bundle('test/engine/canon/watch-child.ts')
  try {
    const args = [...limited, process.execPath, compiled.at('test/engine/canon/watch-child.ts'), home]
    const said = execFileSync('unshare', args, { encoding: 'utf8', timeout: 20_000 }).trim().split('\n')
    expect(said).toEqual([expect.stringMatching(/^polling .*ENOSPC/), 'hint'])
  } finally {
    compiled.remove()
  }
})

test('S25: without a home there is polling, and no crash when it cannot even be looked at', async () => {
  fs.rmSync(home, { recursive: true })
  const gone = await watched()
  expect(gone.states).toMatchObject([{ kind: 'polling' }])
  const from = gone.hints()
  await gone.until(() => gone.hints() > from)
  await gone.watch.close()
  const denied = await watched(defaultSelection, {
    realPath: () => Promise.reject(new Fault('disk-denied', 'no', { errno: 'EACCES' })),
  })
  expect(denied.states).toMatchObject([{ kind: 'polling' }])
  await denied.watch.close()
})
