/** Ledger and journal: what is saved is what is loaded, and nothing else is believed. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Book } from '../../../engine/apply/book.ts'
import { formatChecked } from '../../../engine/apply/checked.ts'
import { type Journal, loadJournal, saveJournal } from '../../../engine/apply/journal.ts'
import { emptyLedger, type Ledger, loadLedger, saveLedger } from '../../../engine/apply/ledger.ts'
import { sha256Hex } from '../../../engine/crypto/hash.ts'
import { SimDisk } from '../../sim/disk.ts'
import { SimIds } from '../../sim/ids.ts'
import { pathOf } from './rig.ts'

const a = sha256Hex(Buffer.from('a'))
const b = sha256Hex(Buffer.from('b'))
const look = { hash: a, size: 1, mtimeMs: 1_700_000_000_123.25, ctimeMs: 0.5, ino: '18446744073709551615' }
const ledger: Ledger = {
  rows: new Map([
    [pathOf('AGENTS.md'), { last: { exec: false, hash: a }, kept: null, look }],
    [pathOf('hooks/ü.sh'), { last: { exec: true, hash: b }, kept: { exec: false, hash: a }, look }],
    [pathOf('skills/x'), { last: null, kept: { exec: false, hash: b }, look: null }],
  ]),
  folders: new Set([pathOf('hooks'), pathOf('skills')]),
  tx: 'tx1',
}
const journal: Journal = {
  tx: 'tx1',
  folders: [pathOf('skills')],
  steps: [
    { act: 'create', path: pathOf('skills/x'), from: null, to: { exec: true, hash: a } },
    { act: 'replace', path: pathOf('a'), from: { exec: null, hash: b }, to: { exec: false, hash: a } },
    { act: 'chmod', path: pathOf('b'), from: { exec: false, hash: a }, to: { exec: true, hash: a } },
    { act: 'remove', path: pathOf('c'), from: { exec: false, hash: a }, to: null },
  ],
}
const path = '/records'
const ids = new SimIds(1)

describe('ledger', () => {
  test('a round trip keeps every digit; none is an empty one', async () => {
    const disk = new SimDisk()
    expect(await loadLedger(disk, path)).toEqual(emptyLedger)
    await saveLedger(disk, ids, path, ledger)
    expect(await loadLedger(disk, path)).toEqual(ledger)
  })

  test('S37: one that is saved is saved, though nobody can look at it just then', async () => {
    const disk = new SimDisk()
    const from = disk.calls
    await new Book(disk, ids, '/first').save(ledger)
    const book = new Book(disk, ids, path)
    disk.failAt(2 * disk.calls - from, 'EIO')
    await book.save(ledger)
    expect(await book.load()).toEqual(ledger)
  })

  test('S37: any altered byte and any cut is refused', async () => {
    const disk = new SimDisk()
    await saveLedger(disk, ids, path, ledger)
    const whole = disk.peek(path) ?? Buffer.alloc(0)
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const bytes = Buffer.from(whole)
        bytes[at] = (bytes[at] ?? 0) ^ flip
        disk.plantFile(path, bytes)
        await expect(loadLedger(disk, path)).rejects.toMatchObject({ code: 'ledger-damaged' })
        disk.plantFile(path, whole.subarray(0, at))
        await expect(loadLedger(disk, path)).rejects.toMatchObject({ code: 'ledger-damaged' })
      }),
      { numRuns: 200 },
    )
  })

  test('T14: a path that leaves the home is refused, whatever the checksum says', async () => {
    const disk = new SimDisk()
    for (const bad of ['../x', '/etc/x', 'a/../../x', 'C:\\x', '.stemma-stage/x']) {
      const rows = [[bad, [false, a], null, null]]
      disk.plantFile(path, formatChecked('stemma-ledger-1', { rows, folders: [], tx: null }))
      await expect(loadLedger(disk, path)).rejects.toMatchObject({ code: 'ledger-damaged' })
      const steps = [{ act: 'remove', path: bad, from: { exec: false, hash: a }, to: null }]
      disk.plantFile(path, formatChecked('stemma-journal-1', { tx: 't', folders: [], steps }))
      await expect(loadJournal(disk, path)).rejects.toMatchObject({ code: 'ledger-damaged' })
    }
  })
})

describe('journal', () => {
  test('a round trip; a transaction name is no path', async () => {
    const disk = new SimDisk()
    expect(await loadJournal(disk, path)).toBeNull()
    await saveJournal(disk, ids, path, journal)
    expect(await loadJournal(disk, path)).toEqual(journal)
    disk.plantFile(path, formatChecked('stemma-journal-1', { ...journal, tx: '../x' }))
    await expect(loadJournal(disk, path)).rejects.toMatchObject({ code: 'ledger-damaged' })
  })

  test('the one is never taken for the other', async () => {
    const disk = new SimDisk()
    await saveLedger(disk, ids, path, ledger)
    await expect(loadJournal(disk, path)).rejects.toMatchObject({ code: 'ledger-damaged' })
  })
})
