/** What makes no sense in a selection, and when it becomes an event. */
import { expect, test } from 'vitest'
import {
  defaultSelection,
  type Selection,
  selectionEvent,
  selectionFault,
} from '../../../engine/canon/selection.ts'

test.each([
  [{ include: ['sessions/'] }, 'selection.include', 'sessions/ never travels: transcripts of sessions'],
  [
    { include: ['notes/', 'state_5.sqlite'] },
    'selection.include',
    'state_5.sqlite never travels: a database',
  ],
  [{ include: ['skills/.system/'] }, 'selection.include', 'unpacks'],
  [{ include: ['auth.json.bak'] }, 'selection.include', 'secrets'],
  [
    {
      links: [
        { path: 'a', target: '/b' },
        { path: 'a', target: '/c' },
      ],
    },
    'selection.links',
    'a is named twice',
  ],
])('S32: a rule that could do nothing is refused, with its place: %j', (rules, key, why) => {
  expect(selectionFault({ ...defaultSelection, ...rules })).toEqual({
    key,
    why: expect.stringContaining(why),
  })
})

test('S32: others are not', () => {
  expect(selectionFault(defaultSelection)).toBeNull()
  const include = ['memories/', '.credentials.json', 'notes/', 'skills/a/x~']
  const links = [{ path: 'skills/mine', target: '/home/u/mine' }]
  expect(selectionFault({ include, links })).toBeNull()
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
