/**
 * What a master keeps of its secrets for itself, in `<STEMMA_HOME>/vault.json` (0600): the keys of its seal epochs,
 * and a keyed digest of every secret file, to see changes without keeping the content.
 * Always holds: without this file nothing is lost but time: a new epoch begins and every secret is sealed anew.
 */
import { Fault } from '../../schemas/fault.ts'
import { vaultBytesMax } from '../../schemas/limits.ts'
import { isHash, v } from '../../schemas/shape.ts'
import { hmac } from '../crypto/hash.ts'
import type { Disk } from '../disk/disk.ts'
import { readFile, saveFile } from '../disk/save.ts'
import type { Ids } from '../env/ids.ts'
import { epochKeyBytes } from './grant.ts'

const hexBytes = (length: number) =>
  v.custom<string>(
    (x) => typeof x === 'string' && x.length === length * 2 && /^[0-9a-f]*$/.test(x),
    'expected hex',
  )
const shape = v.strictObject({
  digestKey: hexBytes(32),
  /** Key by epoch number: the current one, and the next one while it is being begun. */
  epochs: v.record(v.string(), hexBytes(epochKeyBytes)),
  /** By path: the digest of what was sealed last, and its content id. */
  live: v.record(
    v.string(),
    v.strictObject({ digest: v.custom<string>(isHash, 'expected hex'), content: hexBytes(16) }),
  ),
})
export type VaultLedger = v.InferOutput<typeof shape>

const pathOf = (stemmaHome: string) => `${stemmaHome}/vault.json`

/** A missing or damaged file is a new one: see above. */
export async function loadVaultLedger(disk: Disk, ids: Ids, stemmaHome: string): Promise<VaultLedger> {
  const bytes = await readFile(disk, pathOf(stemmaHome), vaultBytesMax).catch((error: unknown) => {
    if (error instanceof Fault && error.code === 'too-many') return null
    throw error
  })
  const parsed = bytes && v.safeParse(shape, parse(bytes))
  return parsed?.success ? parsed.output : { digestKey: ids.bytes(32).toString('hex'), epochs: {}, live: {} }
}

export const saveVaultLedger = (
  disk: Disk,
  ids: Ids,
  stemmaHome: string,
  ledger: VaultLedger,
): Promise<void> => saveFile(disk, ids, pathOf(stemmaHome), Buffer.from(JSON.stringify(ledger)), 0o600)

/** Bound to the path, so that equal contents of two files do not look equal. */
export const secretDigest = (ledger: VaultLedger, path: string, plain: Uint8Array): string =>
  hmac(Buffer.from(ledger.digestKey, 'hex'), Buffer.concat([Buffer.from(`${path}\0`), plain]))

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
