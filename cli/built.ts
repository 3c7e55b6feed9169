/**
 * Where the built command lies. This file stands beside `main.ts`, and every bundle of it beside `main.js`, so the
 * same words lead there from both.
 */
import { fileURLToPath } from 'node:url'

/** The command itself. */
export const mainScript: string = fileURLToPath(new URL('./main.js', import.meta.url))
/** The command as it is installed: what `bin` of package.json names. */
export const binScript: string = fileURLToPath(new URL('./stemma.cjs', import.meta.url))
/** What Codex runs when a session starts and ends. */
export const hookScript: string = fileURLToPath(new URL('../stemma-hook.cjs', import.meta.url))
