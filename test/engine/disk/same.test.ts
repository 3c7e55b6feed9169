/** Any sequence of calls gives the same answers on the real disk and on the simulated one. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import type { Disk } from '../../../engine/disk/disk.ts'
import { errnoOf } from '../../../engine/disk/errno.ts'
import { openDisk } from '../../../engine/disk/real.ts'
import { makeDirs, removeTree } from '../../../engine/disk/tree.ts'
import { SimDisk } from '../../sim/disk.ts'
import { Random } from '../../sim/random.ts'

const root = mkdtempSync(join(tmpdir(), 'stemma-same-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** A few names, so that calls meet each other. */
const path = (random: Random): string => {
  const names = ['a', 'b', 'c', 'soft']
  const pick = () => names[random.below(names.length)] ?? 'a'
  return random.chance(0.6)
    ? pick()
    : random.chance(0.8)
      ? `${pick()}/${pick()}`
      : `${pick()}/${pick()}/${pick()}`
}

/** One call drawn from `random`, with what it answers in a form that both disks share. */
async function step(disk: Disk, dir: string, random: Random): Promise<unknown> {
  const one = `${dir}/${path(random)}`
  const two = `${dir}/${path(random)}`
  const number = random.below(3000)
  switch (random.below(14)) {
    case 0:
    case 1:
    case 2: {
      const file = await disk.open(one, random.chance(0.7) ? 'create' : 'edit', 0o640)
      try {
        await file.write(
          [Buffer.alloc(number, 65 + (number % 26)), Buffer.from('end')],
          random.below(2) * number,
        )
        if (random.chance(0.3)) await file.truncate(random.below(2000))
        const stat = await file.stat()
        return [stat.kind, stat.size]
      } finally {
        await file.close()
      }
    }
    case 3: {
      const file = await disk.open(one, 'read')
      const into = Buffer.alloc(10_000)
      const got = await file.read(into, 0)
      await file.close()
      return into.toString('latin1', 0, got)
    }
    case 4: {
      const stat = await disk.stat(one)
      const size = stat?.kind === 'file' ? stat.size : null
      return stat && [stat.kind, size, stat.kind === 'link' ? null : stat.mode]
    }
    case 5:
      return disk.list(one)
    case 6:
      return disk.makeDir(one, 0o750)
    case 7:
    case 8:
      return disk.rename(one, two)
    case 9:
      return disk.link(one, two)
    case 10:
      return random.chance(0.5) ? disk.unlink(one) : disk.removeDir(one)
    case 11:
      return (await disk.realPath(one))?.slice(((await disk.realPath(dir)) ?? '').length) ?? null
    case 12:
      return random.chance(0.5) ? disk.syncDir(one) : disk.readLink(one)
    default:
      return random.chance(0.7) ? makeDirs(disk, one, 0o750) : removeTree(disk, one)
  }
}

/** The whole folder, for the last comparison. */
async function show(disk: Disk, dir: string): Promise<unknown[]> {
  const out: unknown[] = []
  for (const entry of (await disk.list(dir)) ?? []) {
    const stat = await disk.stat(`${dir}/${entry.name}`)
    out.push([entry.name, entry.kind, entry.kind === 'file' ? stat?.size : null])
    if (entry.kind === 'folder') out.push(await show(disk, `${dir}/${entry.name}`))
  }
  return out
}

const answer = (act: Promise<unknown>): Promise<unknown> =>
  act.then(
    (value) => value ?? null,
    (error: unknown) => {
      if (errnoOf(error) === null) throw error
      return errnoOf(error)
    },
  )

test('S37: real and simulated disk agree call by call', async () => {
  const real = await openDisk(root)
  for (let seed = 1; seed <= 60; seed++) {
    const dir = join(root, `s${seed}`)
    mkdirSync(dir)
    const sim = new SimDisk()
    sim.plantFolder(dir)
    for (const [name, target] of [
      ['soft', 'a'],
      ['lost', 'none'],
    ] as const) {
      symlinkSync(target, join(dir, name))
      sim.plantLink(`${dir}/${name}`, target)
    }
    const random = new Random(seed)
    for (let at = 0; at < 80; at++) {
      const twin = random.fork()
      const [theirs, ours] = [await answer(step(real, dir, twin.clone())), await answer(step(sim, dir, twin))]
      expect(ours, `seed ${seed}, step ${at}`).toEqual(theirs)
    }
    expect(await show(sim, dir), `seed ${seed}`).toEqual(await show(real, dir))
  }
})
