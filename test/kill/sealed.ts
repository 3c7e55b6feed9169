/**
 * Files of a master that travel sealed, each with a canary in it and of one generation, and what became of them on a
 * follower: as they are, or composed with what Codex, its user and stemma wrote there.
 * Always holds: a look throws when a file is of two generations, lacks an entry of this machine, or has one too many.
 */
import { isDeepStrictEqual } from 'node:util'
import { parseToml } from '../../engine/toml/toml.ts'
import { contentOf, digest, generationOf } from './content.ts'

export const canary = 'sk-kill-canary-8d21'
/** What is taken as it is, and what is composed. */
export const secretNames = ['.env', 'auth.json', 'skills/skill-0/.env', 'skills/skill-3/.env'] as const
export const composedNames = ['config.toml', 'hooks.json'] as const
export const sealedNames: readonly string[] = [...secretNames, ...composedNames]

/** What Codex and its user wrote on one machine, which no sync may touch. */
export type Local = { readonly projects: string[]; readonly tools: string[]; mine: boolean }
export const nothingLocal = (): Local => ({ projects: [], tools: [], mine: false })
/** A hook that the user of a follower has, and has approved. */
export const mine = '/bin/true mine'

export function sealedOf(name: string, generation: number, bytes: number): string {
  switch (name) {
    case 'config.toml':
      return configOf(generation)
    case 'hooks.json':
      return JSON.stringify(hooksOf(generation))
    case 'auth.json':
      return JSON.stringify({ OPENAI_API_KEY: canary, note: contentOf(name, generation, bytes, canary) })
    default:
      return contentOf(name, generation, bytes, canary)
  }
}

/** The generation of what lies there, by itself or composed. */
export function sealedGeneration(name: string, content: string, local: Local): number {
  switch (name) {
    case 'config.toml':
      return configGeneration(content, local)
    case 'hooks.json':
      return hooksGeneration(content, local)
    case 'auth.json':
      return generationOf(name, String(JSON.parse(content).note))
    default:
      return generationOf(name, content)
  }
}

/** Every generation has servers of its own, in a text of its own length. */
function configOf(generation: number): string {
  const servers = Array.from(
    { length: generation % 4 },
    (_, n) => `[mcp_servers.s${n}]\ncommand = "s ${generation}" # of ${generation}\n`,
  )
  return [
    `# Canonical ${generation}\n`.repeat(1 + (generation % 7)),
    `model = "m ${generation}"\n`,
    ...servers,
    `[mcp_servers.docs]\ncommand = "docs ${generation}"\n`,
    `[mcp_servers.docs.env]\nKEY = "${canary} ${generation}"\n`,
  ].join('\n')
}

function configGeneration(text: string, local: Local): number {
  const { projects = {}, hooks: _, ...rest } = parseToml(text, 'config.toml')
  const generation = Number(/^m (\d+)$/.exec(String(rest['model']))?.[1])
  const servers = { ...table(rest['mcp_servers']) }
  const { tools = {}, ...docs } = table(servers['docs'])
  const canonical = parseToml(configOf(generation), 'config.toml')
  if (!isDeepStrictEqual(plain({ ...rest, mcp_servers: { ...servers, docs } }), plain(canonical)))
    throw new Error(`config.toml is of no generation as a whole:\n${text}`)
  for (const [found, wanted] of [
    [Object.keys(table(projects)), local.projects],
    [Object.keys(table(tools)), local.tools],
  ] as const)
    if (!isDeepStrictEqual([...found].sort(), [...wanted].sort()))
      throw new Error(`of this machine's own entries (${wanted}) config.toml has ${found}:\n${text}`)
  return generation
}

/** As Codex writes them: a folder that is trusted, a tool that is approved. */
export const projectEntry = (name: string) => `\n[projects."${name}"]\ntrust_level = "trusted"\n`
export const toolEntry = (name: string) => `\n[mcp_servers.docs.tools.${name}]\napproval_mode = "approve"\n`
/** A group of the user's own, behind those that are there. */
export function withMine(hooks: string): string {
  const file = JSON.parse(hooks)
  file.hooks.Stop = [...(file.hooks.Stop ?? []), group(mine)]
  return JSON.stringify(file, null, 2)
}

const group = (command: string) => ({ hooks: [{ type: 'command', command, timeout: 5 }] })
const groups = (count: number, words: string) =>
  Array.from({ length: count }, (_, n) => group(`/bin/true ${words} ${n}`))
/** With most generations the places of the other hooks move, ours and the user's. */
function hooksOf(generation: number) {
  const words = `${canary} ${generation}`
  return { hooks: { SessionStart: groups(generation % 3, words), Stop: groups(1 + (generation % 2), words) } }
}

type Place = { readonly event: string; readonly group: number; readonly handler: number }
type Declared = Place & { readonly command: string; readonly timeout: number }

/** Every handler of a hooks.json with its place. */
function declaredIn(text: string): Declared[] {
  const events: Record<string, { hooks: { command: string; timeout: number }[] }[]> = JSON.parse(text).hooks
  return Object.entries(events).flatMap(([event, list]) =>
    list.flatMap(({ hooks }, at) =>
      hooks.map(({ command, timeout }, handler) => ({ event, group: at, handler, command, timeout })),
    ),
  )
}

export const isOurs = (command: string): boolean => command.includes('stemma-hook.cjs')

function hooksGeneration(text: string, { mine: hasMine }: Local): number {
  const declared = declaredIn(text)
  const bad = (why: string) => new Error(`hooks.json ${why}:\n${text}`)
  const ours = declared.filter(({ command }) => isOurs(command)).map(({ event }) => event)
  if (ours.length > 0 && !isDeepStrictEqual(ours.sort(), ['SessionEnd', 'SessionStart']))
    throw bad('has half of our hooks')
  if (declared.filter(({ command }) => command === mine).length !== (hasMine ? 1 : 0))
    throw bad("has not its user's hook once")
  const theirs = declared.filter(({ command }) => command.includes(canary))
  const generation = Number(theirs[0]?.command.split(' ').at(-2))
  const wanted = declaredIn(JSON.stringify(hooksOf(generation)))
  const commands = (list: readonly Declared[]) =>
    list.map(({ event, command }) => `${event} ${command}`).sort()
  if (!isDeepStrictEqual(commands(theirs), commands(wanted))) throw bad('is of no generation as a whole')
  return generation
}

const snake = { SessionStart: 'session_start', SessionEnd: 'session_end', Stop: 'stop' } as const
const snakeOf = (event: string): string =>
  Object.entries(snake).find(([name]) => name === event)?.[1] ?? event
/** docs/CODEX.md: the hash that Codex asks approval for, and the key under which it looks for it. */
const hashOf = ({ event, command, timeout }: Declared): string =>
  `sha256:${digest(`{"event_name":"${snakeOf(event)}","hooks":[{"async":false,"command":${JSON.stringify(command)},"timeout":${timeout},"type":"command"}]}`)}`
const keyOf = (file: string, { event, group: at, handler }: Place): string =>
  `${file}:${snakeOf(event)}:${at}:${handler}`

/** An approval as Codex writes it. */
export function approvalEntry(file: string, hooks: string, command: string): string {
  const declared = declaredIn(hooks).find((one) => one.command === command)
  if (!declared) throw new Error(`there is no hook ${command}`)
  return `\n[hooks.state."${keyOf(file, declared)}"]\ntrusted_hash = "${hashOf(declared)}"\n`
}

/** The hooks that Codex would run: those whose approval is of their place and of their hash. */
export function running(file: string, hooks: string, config: string): string[] {
  const state = table(table(parseToml(config, 'config.toml')['hooks'])['state'])
  return declaredIn(hooks)
    .filter((one) => table(state[keyOf(file, one)])['trusted_hash'] === hashOf(one))
    .map(({ command }) => command)
}

/** Whatever a parser made its tables of. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))
const table = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : {}
