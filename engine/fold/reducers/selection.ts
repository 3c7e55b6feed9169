/** The user's changes to the selection: one row, replaced as a whole. */
import { entryBytesMax } from '../../../schemas/limits.ts'
import { rowLayouts } from '../../../schemas/section.ts'
import { against, type Reducer } from './shape.ts'

export const selectionKey = 'rules'

export const selectionChanged: Reducer<'selection.changed'> = (_state, body) =>
  // A row must fit a base part wherever its entry fitted a record.
  rowLayouts.selection(body).length > entryBytesMax
    ? against('The selection rules are too long.')
    : { changes: [{ section: 'selection', key: selectionKey, row: structuredClone(body) }] }
