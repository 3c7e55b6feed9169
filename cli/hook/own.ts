/** The command of our own hook entry: this very installation, by absolute paths. */
import { fileURLToPath } from 'node:url'
import { thisPlatform } from '../name.ts'
import { hookCommand } from '../shim/command.ts'

const script = fileURLToPath(new URL('../../stemma-hook.cjs', import.meta.url))

export const ownHookCommand = (): string =>
  hookCommand({ platform: thisPlatform(), node: process.execPath, script, args: [] })
