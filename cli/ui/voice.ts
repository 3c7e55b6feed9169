/**
 * What a command that serves says: one fact a line, of JSON on standard output or for people on standard error.
 * Always holds: the first line of JSON is the one given to `open`, so that a program that starts it need only read one
 * line to know that it accepts; what happened before is said behind it. People read it in the order in which it
 * happened, and before it is open only where it is `early`: a server that never comes to listen says nothing here, its
 * end has the reason; a watcher that does not reach its master goes on.
 */
import type { Context } from '../context.ts'
import { dim, type Piece } from './paint.ts'

export type Facts = Readonly<Record<string, unknown>>

export class Voice {
  readonly #context: Pick<Context, 'json' | 'out' | 'err' | 'clock'>
  readonly #isEarly: boolean
  #held: (() => void)[] | null = []

  constructor(
    context: Pick<Context, 'json' | 'out' | 'err' | 'clock'>,
    { early }: { readonly early: boolean } = { early: false },
  ) {
    this.#context = context
    this.#isEarly = early && !context.json
  }

  get isOpen(): boolean {
    return this.#held === null
  }

  say(facts: Facts, words: Piece): void {
    if (this.#held && !this.#isEarly) this.#held.push(() => this.#line(facts, words))
    else this.#line(facts, words)
  }

  open(facts: Facts, words: Piece): void {
    const held = this.#held ?? []
    this.#held = null
    const first = () => this.#line(facts, words)
    for (const line of this.#context.json ? [first, ...held] : [...held, first]) line()
  }

  #line(facts: Facts, words: Piece): void {
    const { json, out, err, clock } = this.#context
    if (json) out.json(facts)
    else err.flow(0, dim(new Date(clock.now()).toISOString().slice(11, 19)), ' ', words)
  }
}
