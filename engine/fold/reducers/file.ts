/** Plain and secret files share one tree: a path is one or the other, and no two paths are one file anywhere. */

import type { Refusal } from '../../../schemas/fault.ts'
import { filesMax } from '../../../schemas/limits.ts'
import type { HomePath } from '../../../schemas/path.ts'
import type { State } from '../state.ts'
import { against, copy, type Reducer } from './shape.ts'

function placeFault(state: State, section: 'files' | 'secrets', path: HomePath): Refusal | null {
  if (state.maps[section].has(path)) return null
  const other = section === 'files' ? 'secrets' : 'files'
  if (state.maps[other].has(path))
    return against(`${path} is already canonical as ${other === 'files' ? 'a plain' : 'a secret'} file.`)
  if (state.maps.files.size + state.maps.secrets.size >= filesMax)
    return against(`A home has at most ${filesMax} canonical files.`)
  const fault = state.names.fault(path)
  return fault === null ? null : against(`${path} cannot be canonical: ${fault}.`)
}

export const filePut: Reducer<'file.put'> = (state, body) =>
  placeFault(state, 'files', body.path) ?? {
    changes: [
      {
        section: 'files',
        key: body.path,
        row: { exec: body.exec, size: body.size, blob: copy(body.blob) },
      },
    ],
  }

export const fileRemoved: Reducer<'file.removed'> = (state, body) =>
  state.maps.files.has(body.path)
    ? { changes: [{ section: 'files', key: body.path, row: null }] }
    : against(`${body.path} is not canonical, so it cannot be removed.`)

export const secretPut: Reducer<'secret.put'> = (state, body) =>
  placeFault(state, 'secrets', body.path) ?? {
    changes: [{ section: 'secrets', key: body.path, row: { exec: body.exec, content: copy(body.content) } }],
  }

export const secretRemoved: Reducer<'secret.removed'> = (state, body) =>
  state.maps.secrets.has(body.path)
    ? { changes: [{ section: 'secrets', key: body.path, row: null }] }
    : against(`${body.path} is not a canonical secret, so it cannot be removed.`)
