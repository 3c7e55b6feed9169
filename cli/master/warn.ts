/**
 * Warnings of the looks at the home, said as they come up.
 * Always holds: one is said when it is new, and not again while it lasts; a look has at most `warningLinesMax` lines
 * of them, and one that counts the rest.
 */
import { warningLinesMax } from '../../schemas/limits-cli.ts'
import type { MasterStatus } from '../../schemas/report.ts'
import type { Facts } from '../ui/voice.ts'

export class Warner {
  readonly #say: (facts: Facts, words: string) => void
  #known: ReadonlySet<string> = new Set()

  constructor(say: (facts: Facts, words: string) => void) {
    this.#say = say
  }

  /** @param warnings all that there are now. */
  tell(warnings: MasterStatus['warnings']): void {
    const news = warnings.filter(({ why }) => !this.#known.has(why))
    this.#known = new Set(warnings.map(({ why }) => why))
    for (const { kind, path, why } of news.slice(0, warningLinesMax))
      this.#say({ event: 'warning', kind, path, why }, `Warning: ${why}`)
    const more = news.length - warningLinesMax
    if (more > 0)
      this.#say({ event: 'warnings', more }, `Warning: and ${more} more; see \`stemma master status\`.`)
  }
}
