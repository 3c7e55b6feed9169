/** Git repositories of a run. Nothing of the caller's configuration counts: HOME is the scratch folder. */
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import type { Done, Scratch } from './scratch.ts'

const settings = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'bench',
  GIT_AUTHOR_EMAIL: 'bench@localhost',
  GIT_COMMITTER_NAME: 'bench',
  GIT_COMMITTER_EMAIL: 'bench@localhost',
  GIT_TERMINAL_PROMPT: '0',
}

export const git = (scratch: Scratch, ...args: readonly string[]): Promise<Done> =>
  scratch.run('git', ['-c', 'gc.auto=0', '-c', 'maintenance.auto=false', ...args], settings)

/** A bare repository with the files of `home`, and a clone of it to make edits in. */
export async function makeRepository(scratch: Scratch, home: string) {
  const folder = scratch.folder('git')
  const work = join(folder, 'work')
  const bare = join(folder, 'home.git')
  cpSync(home, work, { recursive: true })
  await git(scratch, 'init', '--quiet', '--initial-branch=main', work)
  await git(scratch, '-C', work, 'add', '--all')
  await git(scratch, '-C', work, 'commit', '--quiet', '--message=home')
  await git(scratch, 'clone', '--quiet', '--bare', work, bare)
  await git(scratch, '-C', work, 'remote', 'add', 'origin', bare)
  return {
    url: `file://${bare}`,
    work,
    async publish(): Promise<void> {
      await git(scratch, '-C', work, 'commit', '--quiet', '--all', '--message=edit')
      await git(scratch, '-C', work, 'push', '--quiet', 'origin', 'main')
    },
  }
}
