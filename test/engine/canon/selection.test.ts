/** Reading the selection out of settings, and when it becomes an event. */
import { expect, test } from 'vitest'
import {
  defaultSelection,
  readSelection,
  type Selection,
  selectionEvent,
} from '../../../engine/canon/selection.ts'
import { isRefusal } from '../../../schemas/fault.ts'
import { selectionRulesMax } from '../../../schemas/limits.ts'

function ok(settings: Record<string, unknown>): Selection {
  const found = readSelection(settings)
  if (isRefusal(found)) throw new Error(found.why)
  return found
}

test('S32: no table is the default; a table is read in one form', () => {
  expect(ok({})).toEqual(defaultSelection)
  const link = { path: 'skills/mine', target: '/home/u/mine' }
  expect(
    ok({ selection: { include: ['notes/', 'memories/', 'notes/'], exclude: ['skills/x/'], links: [link] } }),
  ).toEqual({
    include: ['memories/', 'notes/'],
    exclude: ['skills/x/'],
    links: [link],
  })
})

test.each([
  [{ selection: 3 }, 'not a table'],
  [{ selection: { inculde: [] } }, 'inculde'],
  [{ selection: { include: 'notes/' } }, 'not a list'],
  [{ selection: { include: ['../x'] } }, '../x'],
  [{ selection: { include: ['/etc/passwd'] } }, '/etc/passwd'],
  [{ selection: { exclude: ['skills/*'] } }, 'wildcards'],
  [{ selection: { include: ['a\u001b[2Jb'] } }, '\\u{1b}'],
  [{ selection: { include: ['sessions/'] } }, 'transcripts'],
  [{ selection: { include: ['state_5.sqlite'] } }, 'database'],
  [{ selection: { include: ['skills/.system/'] } }, 'unpacks'],
  [{ selection: { include: ['auth.json.bak'] } }, 'secrets'],
  [{ selection: { links: [{ path: 'skills/x' }] } }, 'links'],
  [
    {
      selection: {
        links: [
          { path: 'a', target: '/b' },
          { path: 'a', target: '/c' },
        ],
      },
    },
    'twice',
  ],
  [
    { selection: { include: Array.from({ length: selectionRulesMax + 1 }, (_, i) => `notes/${i}`) } },
    'too many',
  ],
])('S32: refused with the place named: %j', (settings, part) => {
  const found = readSelection(settings)
  expect(isRefusal(found)).toBe(true)
  if (isRefusal(found)) {
    expect(found.refused).toBe('bad-settings')
    expect(found.why).toContain(part)
    expect(found.why).not.toContain('\u001b')
  }
})

test('S32: an event when it differs from the log, in whatever order it was written', () => {
  const one: Selection = { include: ['b', 'a'], exclude: [], links: [] }
  expect(selectionEvent(defaultSelection, defaultSelection)).toBeNull()
  expect(selectionEvent(one, { ...one, include: ['a', 'b'] })).toBeNull()
  expect(selectionEvent(defaultSelection, one)).toEqual({
    type: 'selection.changed',
    body: { include: ['a', 'b'], exclude: [], links: [] },
  })
})
