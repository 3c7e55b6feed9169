/**
 * The keys folder, `<STEMMA_HOME>/keys/`: one file a role. A master has log, node and seal keys, a follower the
 * last two.
 * Always holds: the folder is 0700 and each file 0600 from its first byte, and neither is used when wider (T19);
 * a key that exists is never replaced; a missing, damaged or swapped file is a fault, never a new key.
 */

import { join } from 'node:path'
import { Fault } from '../../schemas/fault.ts'
import { keyFileBytesMax } from '../../schemas/limits.ts'
import type { FollowerId } from '../../schemas/shape.ts'
import { fingerprint, fromSeed, type PrivateKey, publicOf, seedBytes } from '../crypto/ed25519.ts'
import { type SealKey, sealKey } from '../crypto/x25519.ts'
import type { Disk } from '../disk/disk.ts'
import { readFile, saveFile, settleName, sweepTemps } from '../disk/save.ts'
import type { Ids } from '../env/ids.ts'
import { formatKeyFile, type KeyFileRole, parseKeyFile } from './file.ts'

export type SigningKey = { readonly private: PrivateKey; readonly public: Buffer }
export type FollowerKeys = { readonly node: SigningKey; readonly seal: SealKey }
export type MasterKeys = FollowerKeys & { readonly log: SigningKey }

/**
 * Makes the folder and the keys that are not there yet, durable on return. What is there is kept, so that a first
 * start that was cut off goes on where it stopped.
 */
export async function createMasterKeys(disk: Disk, ids: Ids, home: string): Promise<MasterKeys> {
  await createAll(disk, ids, home, ['log', 'node', 'seal'])
  return loadMasterKeys(disk, home)
}

export async function createFollowerKeys(disk: Disk, ids: Ids, home: string): Promise<FollowerKeys> {
  await createAll(disk, ids, home, ['node', 'seal'])
  return loadFollowerKeys(disk, home)
}

/** @throws Fault `keys-damaged`, `keys-exposed` or a disk code. */
export async function loadMasterKeys(disk: Disk, home: string): Promise<MasterKeys> {
  await checkFolder(disk, home)
  const log = signingKey(await load(disk, home, 'log'))
  return { log, ...(await loadFollowerKeys(disk, home)) }
}

/**
 * The key that a machine shows in TLS, as its file has it, which is PEM to OpenSSL: whether it is whole shows there.
 * @throws Fault `keys-damaged`, `keys-exposed` or a disk code.
 */
export async function loadNodePem(disk: Disk, home: string): Promise<string> {
  await checkFolder(disk, home)
  return (await read(disk, home, 'node')).toString()
}

/** @throws Fault `keys-damaged`, `keys-exposed` or a disk code. */
export async function loadFollowerKeys(disk: Disk, home: string): Promise<FollowerKeys> {
  await checkFolder(disk, home)
  const node = signingKey(await load(disk, home, 'node'))
  return { node, seal: sealKey(await load(disk, home, 'seal')) }
}

/** What a machine is called in the log: the fingerprint of its node key. */
export const followerId = (nodePublic: Uint8Array): FollowerId => fingerprint(nodePublic) as FollowerId

export const signingKey = (seed: Uint8Array): SigningKey => {
  const key = fromSeed(seed)
  return { private: key, public: publicOf(key) }
}

const folderOf = (home: string) => join(home, 'keys')
const pathOf = (home: string, role: KeyFileRole) => join(folderOf(home), `${role}.key`)

async function createAll(disk: Disk, ids: Ids, home: string, roles: readonly KeyFileRole[]): Promise<void> {
  await disk.makeDir(folderOf(home), 0o700)
  await disk.syncDir(home)
  await checkFolder(disk, home)
  await sweepTemps(disk, folderOf(home))
  for (const role of roles) {
    // One that an earlier start left may not be durable under its name yet.
    if ((await disk.stat(pathOf(home, role))) !== null) await settleName(disk, pathOf(home, role))
    else await saveFile(disk, ids, pathOf(home, role), formatKeyFile(role, ids.bytes(seedBytes)), 0o600)
  }
}

async function checkFolder(disk: Disk, home: string): Promise<void> {
  const path = folderOf(home)
  const stat = await disk.stat(path)
  if (stat === null) throw damaged('The keys folder is missing', path)
  if (stat.kind !== 'folder') throw damaged('The keys folder is not a folder', path)
  if (!disk.windows && (stat.mode & 0o077) !== 0)
    throw exposed(`The keys folder can be opened by other users; run: chmod 700 ${path}`, path, stat.mode)
}

async function load(disk: Disk, home: string, role: KeyFileRole): Promise<Buffer> {
  const secret = parseKeyFile(role, await read(disk, home, role))
  if (!secret)
    throw damaged(`The ${role} key is damaged, or it is the file of another key`, pathOf(home, role))
  return secret
}

async function read(disk: Disk, home: string, role: KeyFileRole): Promise<Buffer> {
  const path = pathOf(home, role)
  const stat = await disk.stat(path)
  if (stat === null) throw damaged(`The ${role} key is missing`, path)
  if (stat.kind !== 'file' || stat.size > keyFileBytesMax)
    throw damaged(`The ${role} key is not a key file`, path)
  if (!disk.windows && (stat.mode & 0o077) !== 0)
    throw exposed(`The ${role} key can be read by other users; run: chmod 600 ${path}`, path, stat.mode)
  const content = await readFile(disk, path, keyFileBytesMax)
  if (content === null) throw damaged(`The ${role} key is missing`, path)
  return content
}

const damaged = (what: string, path: string): Fault =>
  new Fault('keys-damaged', `${what}: ${path}.`, { path })
const exposed = (what: string, path: string, mode: number): Fault =>
  new Fault('keys-exposed', what, { path, mode: mode.toString(8) })
