/** What npm leaves in its cache of packages that were run: stemma, and all that it needs. */
import { cpSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const project = fileURLToPath(new URL('../../..', import.meta.url))

/** @param modules `…/_npx/<hash>/node_modules`. @param dist what is built. @returns the script that npx would run. */
export function plantCache(modules: string, dist: string): string {
  const isOwn = (path: string) => !path.slice(dist.length).includes('node_modules')
  cpSync(join(project, 'package.json'), join(modules, 'stemma/package.json'))
  cpSync(dist, join(modules, 'stemma/dist'), { recursive: true, filter: isOwn })
  for (const name of needed(...Object.keys(manifest(project).dependencies ?? {})))
    cpSync(join(project, 'node_modules', name), join(modules, name), { recursive: true, dereference: true })
  return join(modules, 'stemma/dist/cli/stemma.cjs')
}

function manifest(folder: string): { readonly dependencies?: Readonly<Record<string, string>> } {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

/** These packages and all that they need. */
function needed(...names: readonly string[]): ReadonlySet<string> {
  const all = new Set<string>()
  const add = (name: string) => {
    if (all.has(name)) return
    all.add(name)
    Object.keys(manifest(join(project, 'node_modules', name)).dependencies ?? {}).forEach(add)
  }
  names.forEach(add)
  return all
}
