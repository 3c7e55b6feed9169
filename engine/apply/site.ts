/**
 * Where apply works and with what. Paths use `/`, which every system takes.
 * Always holds: new content is staged inside the home, so that a rename or link never crosses a volume;
 * everything else of ours lies outside it.
 */
import type { HomePath } from '../../schemas/path.ts'
import type { Disk } from '../disk/disk.ts'
import type { Clock } from '../env/clock.ts'
import type { Ids } from '../env/ids.ts'
import type { OnProgress } from '../env/progress.ts'
import { Book } from './book.ts'
import type { Contents } from './wish.ts'

export type Tools = {
  readonly disk: Disk
  readonly ids: Ids
  readonly clock: Clock
  readonly blobs: Contents
  readonly progress?: OnProgress
}
export type Site = Tools & {
  readonly home: string
  readonly stage: string
  /** Holds ledger and journal. */
  readonly records: string
  readonly ledger: Book
  readonly journal: string
  readonly backups: string
}

export function siteOf(tools: Tools, codexHome: string, stemmaHome: string): Site {
  const records = `${stemmaHome}/apply`
  return {
    ...tools,
    home: codexHome,
    stage: `${codexHome}/.stemma-stage`,
    records,
    ledger: new Book(tools.disk, tools.ids, `${records}/ledger.json`),
    journal: `${records}/journal.json`,
    backups: `${stemmaHome}/backups`,
  }
}

export const inHome = (site: Site, path: HomePath): string => `${site.home}/${path}`
