/** A look beside the owner of a folder: of one moment, or none. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { besideOwner } from '../../../cli/follower/glance.ts'
import { openDisk } from '../../../engine/disk/real.ts'
import { Fault } from '../../../schemas/fault.ts'
import { glancesMax } from '../../../schemas/limits-cli.ts'

const disk = await openDisk()
let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'stemma-glance-'))
  for (const folder of ['log', 'apply']) mkdirSync(join(root, folder))
  writeFileSync(join(root, 'log/1.seg'), 'entries')
  writeFileSync(join(root, 'contact.json'), '{}')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** @param meanwhile what the owner does during each look. */
async function look(meanwhile: (n: number) => void) {
  let looks = 0
  const seen = await besideOwner(root, disk, async () => {
    meanwhile(++looks)
    return looks
  })
  return { seen, looks }
}

test('S22: an owner that is idle is not disturbed', async () => {
  expect(await look(() => {})).toEqual({ seen: { got: 1 }, looks: 1 })
})

const twice = { seen: { got: 2 }, looks: 2 }
const writes: [string, () => void, unknown][] = [
  ['appends an entry', () => appendFileSync(join(root, 'log/1.seg'), 'x'), twice],
  ['begins a segment', () => writeFileSync(join(root, 'log/2.seg'), ''), twice],
  ['drops one', () => rmSync(join(root, 'log/1.seg')), twice],
  ['writes its ledger', () => writeFileSync(join(root, 'apply/ledger.json'), '{}'), twice],
  ['begins an apply', () => writeFileSync(join(root, 'apply/journal.json'), '{}'), { seen: null, looks: 1 }],
  ['notes a contact', () => writeFileSync(join(root, 'contact.json'), '[]'), twice],
]
test.each(writes)('S22: one that %s meanwhile is seen', async (_, write, expected) => {
  expect(await look((n) => (n === 1 ? write() : undefined))).toEqual(expected)
})

test('S22: one that writes all the time, or is amid an apply, has to lend the folder', async () => {
  expect(await look(() => appendFileSync(join(root, 'log/1.seg'), 'x'))).toEqual({
    seen: null,
    looks: glancesMax,
  })
  writeFileSync(join(root, 'apply/journal.json'), '{}')
  expect(await look(() => {})).toEqual({ seen: null, looks: 0 })
})

test('S22: what looks damaged without the lock is looked at with it; an end is an end', async () => {
  const throwing = (code: 'log-damaged' | 'interrupted' | 'bad-settings') => () => {
    throw new Fault(code, 'So it is.')
  }
  expect((await look(throwing('log-damaged'))).seen).toBeNull()
  for (const code of ['interrupted', 'bad-settings'] as const)
    await expect(look(throwing(code))).rejects.toMatchObject({ code })
})
