import { expect, test } from 'vitest'
import { loadContact, noContact, saveContact, troubled } from '../../engine/contact.ts'
import { Fault } from '../../schemas/fault.ts'
import { contactBytesMax, troubleLettersMax } from '../../schemas/limits.ts'
import { SimDisk } from '../sim/disk.ts'
import { SimIds } from '../sim/ids.ts'

const home = '/user/stemma'
const away = new Fault('unreachable', 'Nobody is there.')
const refused = new Fault('pin-mismatch', 'Another key.')

test.each([
  ['the first of its kind', null, away, 500, { code: 'unreachable', sinceMs: 500, lastMs: 500 }],
  [
    'the same again',
    troubled(null, away, 100),
    away,
    500,
    { code: 'unreachable', sinceMs: 100, lastMs: 500 },
  ],
  ['another', troubled(null, away, 100), refused, 500, { code: 'pin-mismatch', sinceMs: 500, lastMs: 500 }],
  ['a clock that was set back', troubled(null, away, 900), away, 500, { sinceMs: 500, lastMs: 500 }],
] as const)('S57: trouble with the master: %s', (_name, before, fault, nowMs, wanted) => {
  expect(troubled(before, fault, nowMs)).toMatchObject(wanted)
})

test('S57: it is remembered whatever a message says; a file of an older version, and a damaged one, count', async () => {
  const disk = new SimDisk({ seed: 1 })
  disk.plantFolder('/user')
  disk.plantFolder(home)
  const load = () => loadContact(disk, home)
  expect(await load()).toEqual(noContact)
  const trouble = troubled(null, new Fault('protocol', '\u0001'.repeat(10_000)), 7)
  expect(trouble.why).toHaveLength(troubleLettersMax)
  const contact = { contactMs: 3, masterSeq: 2, appliedSeq: 1, trouble }
  await saveContact(disk, new SimIds(1), home, contact)
  expect(disk.peek(`${home}/contact.json`)?.length).toBeLessThan(contactBytesMax)
  expect(await load()).toEqual(contact)
  disk.plantFile(`${home}/contact.json`, '{"contactMs":3,"masterSeq":2,"appliedSeq":1}')
  expect(await load()).toEqual({ ...contact, trouble: null })
  disk.plantFile(
    `${home}/contact.json`,
    '{"contactMs":3,"masterSeq":2,"appliedSeq":1,"trouble":{"code":"no"}}',
  )
  expect(await load()).toEqual(noContact)
})
