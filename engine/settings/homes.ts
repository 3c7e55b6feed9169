/**
 * Which two folders a command works on. Pure: what it needs of the world is handed in.
 * Always holds: both paths are absolute and neither lies in the other, so stemma never syncs its own files.
 */
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { Fault } from '../../schemas/fault.ts'

export type Homes = { readonly stemmaHome: string; readonly codexHome: string }
export type Env = Readonly<Record<string, string | undefined>>

/** @throws Fault `usage` when one home lies in the other. */
export function findHomes(env: Env, homeDir: string, cwd: string): Homes {
  const choose = (variable: string, otherwise: string) => {
    const chosen = env[variable]
    // An empty variable counts as none, as it does in Codex.
    return chosen ? resolve(cwd, chosen) : join(homeDir, otherwise)
  }
  const stemmaHome = choose('STEMMA_HOME', '.stemma')
  const codexHome = choose('CODEX_HOME', '.codex')
  if (contains(codexHome, stemmaHome) || contains(stemmaHome, codexHome))
    throw new Fault(
      'usage',
      `STEMMA_HOME (${stemmaHome}) and CODEX_HOME (${codexHome}) are one folder, or one lies in the other; choose two that stand apart.`,
      { stemmaHome, codexHome },
    )
  return { stemmaHome, codexHome }
}

/** Windows compares without case, which `relative` does there. */
function contains(outer: string, inner: string): boolean {
  const way = relative(outer, inner)
  return way === '' || !(way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way))
}
