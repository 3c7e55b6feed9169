/**
 * Commands as a person types them into a shell of this system. Pure.
 * Always holds: each word arrives as it was; the folders that are not the usual ones come along.
 */
import { quoteSh } from '../shim/command.ts'
import { envOf, type Service } from './service.ts'

type Spoken = Pick<Service, 'homeDir' | 'stemmaHome' | 'codexHome' | 'words'> & {
  readonly system: Service['system'] | 'other'
}

export const spellWords = (system: Spoken['system'], words: readonly string[]): string =>
  words
    .map((word) => (system === 'win32' ? (/[\s&]/.test(word) ? `"${word}"` : word) : quoteSh(word)))
    .join(' ')

/** What the service would run, in one line: `STEMMA_HOME=/srv/stemma stemma master serve --port 18000`. */
export function spellCommand(service: Spoken): string {
  const { system, words } = service
  const folders = Object.entries(envOf(service)).map(([name, path]) =>
    // PowerShell has no other way to say it in the same line.
    system === 'win32' ? `$env:${name}='${path.replaceAll("'", "''")}'; ` : `${name}=${quoteSh(path)} `,
  )
  return `${folders.join('')}${spellWords(system, ['stemma', ...words])}`
}
