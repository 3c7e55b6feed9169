/** What tests of secrets look at: what a machine can open, and what lies on a disk. */
import { openSecrets } from '../../../engine/secrets/reader.ts'
import { assert } from '../../../schemas/fault.ts'
import { type Machine, stemmaHome, type World } from '../machines.ts'

export const canary = 'sk-canary-4f9a'
export const vaultPath = `${stemmaHome}/vault.json`

export function contentOf(world: World, path: string): string | undefined {
  const row = world.master.state.maps.secrets.get(path)
  return row && Buffer.from(row.content).toString('hex')
}

export async function opened({ follower }: Machine) {
  assert(follower.state, 'it has a log')
  return openSecrets(follower.state, follower.blobs, follower.id, follower.keys.seal)
}
export async function plainOf(machine: Machine): Promise<Readonly<Record<string, string>>> {
  const { secrets } = await opened(machine)
  return Object.fromEntries([...secrets].map(([path, { plain }]) => [path, plain.toString()]))
}
export const closedOf = async (machine: Machine) =>
  [...(await opened(machine)).closed].map(([path, { refused }]) => `${path}: ${refused}`)

export const blobsOf = ({ disk }: { disk: World['disk'] }) => disk.paths(`${stemmaHome}/blobs`)
