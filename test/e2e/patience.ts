/** Waits for what no event tells: looked at again and again, and told as a failure when it never comes. */
import { setTimeout as pause } from 'node:timers/promises'

const lookEveryMs = 50
const patienceMs = 30_000

export async function until(
  what: string,
  test: () => boolean | Promise<boolean>,
  withinMs = patienceMs,
): Promise<void> {
  for (const end = Date.now() + withinMs; !(await test()); await pause(lookEveryMs))
    if (Date.now() > end) throw new Error(`it never came to this: ${what}`)
}
