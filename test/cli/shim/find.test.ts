/** Which codex `run` starts on Windows. Compared only: it has not run there yet. */
import { expect, test } from 'vitest'
import { windowsCodex } from '../../../cli/shim/find.ts'
import type { Stat } from '../../../engine/disk/disk.ts'
import { SimDisk } from '../../sim/disk.ts'

const stat: Stat = { kind: 'file', size: 1, mode: 0o666, mtimeMs: 0, ctimeMs: 0, ino: '1' }
/** A disk with these files. */
class Files extends SimDisk {
  readonly #files: readonly string[]
  constructor(files: readonly string[]) {
    super({ windows: true })
    this.#files = files
  }
  override async stat(path: string): Promise<Stat | null> {
    return this.#files.includes(path) ? stat : null
  }
}
const find = (path: string, ...files: string[]) => windowsCodex(new Files(files), path)
const script = 'C:\\npm\\node_modules\\@openai\\codex\\bin\\codex.js'

test('N11: the native one, or the script behind that of npm; the shim, a batch file, never', async () => {
  expect(await find('C:\\a;C:\\b', 'C:\\b\\codex.exe')).toEqual({ file: 'C:\\b\\codex.exe', args: [] })
  const npm = { file: process.execPath, args: [script] }
  expect(await find('C:\\a;;C:\\npm', 'C:\\a\\codex.cmd', 'C:\\npm\\codex.cmd', script)).toEqual(npm)
  expect(await find('C:\\npm;C:\\b', 'C:\\npm\\codex.cmd', script, 'C:\\b\\codex.exe')).toEqual(npm)
  expect(await find('C:\\a', 'C:\\a\\codex.cmd')).toBe(null)
  expect(await find('')).toBe(null)
})
