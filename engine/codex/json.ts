/**
 * JSON as it may be walked and written again. Pure.
 * Always holds: a value that is returned is nested no deeper than `jsonDepthMax`, so whoever walks it may recurse.
 */
import { jsonDepthMax } from '../../schemas/limits.ts'

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }
export type JsonRead =
  | {
      readonly value: Json
      /** What would be lost if the value were written again: a number, or one of two equal keys; null for nothing. */
      readonly lossy: string | null
    }
  | { readonly fault: string }

/** `"key"`, `"text"`, a mark, or a number or word: all that valid JSON is made of besides space. */
export const jsonTokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s"{}[\],:]+/g

export function readJson(text: string): JsonRead {
  let value: Json
  try {
    value = JSON.parse(text)
  } catch {
    return { fault: 'it is not JSON' }
  }
  let lossy: string | null = null
  /** The keys of each object that is open; null for an array. */
  const open: (Set<string> | null)[] = []
  let last = ''
  for (const [token] of text.matchAll(jsonTokens)) {
    if (token === '{' || token === '[') {
      open.push(token === '{' ? new Set() : null)
      if (open.length > jsonDepthMax) return { fault: `it is nested more than ${jsonDepthMax} deep` }
    } else if (token === '}' || token === ']') open.pop()
    else if (token === ':') {
      const keys = open.at(-1)
      const key: string = JSON.parse(last)
      if (keys?.has(key)) lossy ??= 'one key twice in one object'
      keys?.add(key)
    } else if (token.startsWith('"')) {
      if (token.includes('\\u') && !JSON.parse(token).isWellFormed())
        return { fault: 'it has half of a character' }
    } else if (token !== ',' && JSON.stringify(JSON.parse(token)) !== token)
      lossy ??= 'a number that would be written in another way'
    last = token
  }
  return { value, lossy }
}
