/**
 * Random histories: canonical states come and go, the user writes, deletes and makes folders, the power fails.
 * Small names on purpose, so that files become folders and back. Failures print their seed.
 */
import { expect, test } from 'vitest'
import { ancestors } from '../../../schemas/path.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimDisk } from '../../sim/disk.ts'
import { SimIds } from '../../sim/ids.ts'
import { Random } from '../../sim/random.ts'
import { sweepsAll } from '../../sim/slice.ts'
import { canon, rigOn, storeBlobs, type Tree } from './rig.ts'

const codexHome = '/user/codex'
const at = (path: string) => `${codexHome}/${path}`
const names = ['a', 'b', 'a/x', 'a/y', 'b/x', 'b/x/deep', 'c/d/e', 'c/d/f']

/** A tree in which nothing is a file and a folder at once. */
function treeOf(random: Random): Tree {
  const tree: Record<string, string> = {}
  for (const name of names) {
    if (!random.chance(0.5) || ancestors(name).some((folder) => folder in tree || `${folder}*` in tree))
      continue
    tree[random.chance(0.2) ? `${name}*` : name] = `canonical ${random.below(3)}`
  }
  return tree
}

async function history(seed: number): Promise<void> {
  const random = new Random(seed)
  const options = {
    ids: new SimIds(seed),
    clock: new SimClock(),
    codexHome,
    stemmaHome: '/user/stemma',
  }
  let disk = new SimDisk({ seed, windows: random.chance(0.3) })
  disk.plantFolder(codexHome)
  /** What the user wrote and has not changed since. */
  const written = new Map<string, string>()
  let tree: Tree = {}

  const user = async () => {
    const name = names[random.below(names.length)] ?? 'a'
    const kind = (await disk.stat(at(name)))?.kind
    if (kind === 'folder') return
    if (kind === 'file' && random.chance(0.4)) {
      await disk.unlink(at(name))
      written.delete(name)
      disk = disk.settled()
      return
    }
    for (const folder of ancestors(name)) if ((await disk.stat(at(folder)))?.kind === 'file') return
    const text = `user ${random.below(2 ** 31)}`
    disk.plantFile(at(name), text)
    written.set(name, text)
  }
  const apply = async () => {
    tree = treeOf(random)
    await storeBlobs(disk, options, tree)
    disk = disk.settled()
    if (random.chance(0.5)) {
      disk.failAt(disk.calls + 1 + random.below(200), random.chance(0.5) ? 'crash-before' : 'crash-after')
      const cut = await rigOn(disk, options)
        .applier.apply(canon(tree))
        .then(
          () => false,
          () => true,
        )
      if (cut) disk = random.chance(0.3) ? disk.restart() : disk.reboot(random.below(2 ** 20))
      else disk = disk.restart()
      for (const [name, text] of written) expect(disk.peek(at(name))?.toString(), name).toBe(text)
    }
    const result = await rigOn(disk, options).applier.apply(canon(tree))
    expect(result.faults).toEqual([])
    const told = new Set(result.conflicts.map(({ path }) => String(path)))
    for (const [path, { blob }] of canon(tree)) {
      const text = disk.peek(at(path))?.toString()
      const wanted = tree[path] ?? tree[`${path}*`]
      if (!told.has(path)) expect(text, `${path} ${blob}`).toBe(wanted)
    }
    expect((await rigOn(disk, options).applier.apply(canon(tree))).changed).toEqual([])
  }

  for (let step = 0; step < 8; step++) {
    if (random.chance(0.5)) await user()
    else await apply()
    for (const [name, text] of written) expect(disk.peek(at(name))?.toString(), name).toBe(text)
  }
  // With the user's consent everything becomes canonical, but for what is never replaced.
  await storeBlobs(disk, options, tree)
  const last = await rigOn(disk, options).applier.apply(canon(tree), 'canonical')
  expect(last.conflicts.filter(({ kind }) => kind !== 'blocked')).toEqual([])
}

test('S3, S37, S39: no history loses what the user wrote, and each ends as canonical as it may be', async () => {
  for (let seed = 1; seed <= (sweepsAll ? 300 : 80); seed++)
    await history(seed).catch((cause: unknown) => {
      throw new Error(`seed ${seed}: ${String(cause)}`, { cause })
    })
})
