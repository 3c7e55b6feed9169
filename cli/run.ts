/**
 * One command line, from its words to its exit code.
 * Always holds: whatever happens is answered with one sentence and a code; only the chosen command is loaded.
 */
import { type ExitCode, exitCodes } from '../schemas/code.ts'
import { isRefusal, refuse, toFault } from '../schemas/fault.ts'
import { version } from '../schemas/version.ts'
import type { Context, World } from './context.ts'
import { choose, parse } from './parser.ts'
import { type Entry, registry } from './registry.ts'
import { commandHelp, listHelp } from './ui/help.ts'
import { tellTrouble } from './ui/trouble.ts'
import { makeWriter, type Writer } from './ui/writer.ts'

export async function run(
  words: readonly string[],
  world: World,
  entries: readonly Entry[] = registry,
): Promise<ExitCode> {
  const out = makeWriter(world.out, world.env)
  const err = makeWriter(world.err, world.env)
  // An answer for a program is one also where the rest of the line makes no sense.
  const before = words.includes('--') ? words.slice(0, words.indexOf('--')) : words
  const json = before.includes('--json')
  try {
    return await answer(words, world, entries, { out, err, json })
  } catch (error) {
    return tellTrouble(error, { out, err, json, debug: world.env['STEMMA_DEBUG'] === '1' })
  } finally {
    world.line?.clear()
  }
}

type Voice = { readonly out: Writer; readonly err: Writer; readonly json: boolean }

async function answer(
  words: readonly string[],
  world: World,
  entries: readonly Entry[],
  { out, err, json }: Voice,
): Promise<ExitCode> {
  if (words.some((word) => word === '--version' || word === '-v') && words.every(isTopFlag)) {
    if (json) out.json({ version })
    else out.line(version)
    return exitCodes.done
  }
  // `stemma help master init` is `stemma master init --help`, for those who ask in words.
  const chosen = choose(entries, words[0] === 'help' ? [...words.slice(1), '--help'] : words)
  if (isRefusal(chosen)) throw toFault(chosen)
  if ('group' in chosen) return listGroup(entries, chosen.group, chosen.rest, out)
  const { entry, rest } = chosen
  const command = await entry.load()
  const parsed = parse(entry.path, command, rest)
  if (isRefusal(parsed)) throw toFault(parsed)
  if (parsed.options['help'] === true) {
    for (const line of commandHelp(entry, command)) out.line(...line)
    return exitCodes.done
  }
  return command.run(await makeContext(world, { out, err, json }), parsed)
}

const isTopFlag = (word: string): boolean => /^(?:-v|--version|--json)$/.test(word)

/** `stemma` alone and every `--help` explain; `stemma master` alone is half a command. */
function listGroup(entries: readonly Entry[], group: string, rest: readonly string[], out: Writer): ExitCode {
  if (group && !rest.some((word) => word === '-h' || word === '--help')) {
    const verbs = entries
      .filter((entry) => entry.path.startsWith(`${group} `))
      .map((entry) => entry.path.slice(group.length + 1))
    throw toFault(refuse('usage', `\`stemma ${group}\` needs one of: ${verbs.join(', ')}.`, { help: group }))
  }
  for (const line of listHelp(entries, group)) out.line(...line)
  return exitCodes.done
}

async function makeContext(world: World, voice: Voice): Promise<Context> {
  const [{ findHomes }, { systemClock, systemIds }, { openDisk }, { makeTeller }] = await Promise.all([
    import('../engine/settings/homes.ts'),
    import('../engine/env/system.ts'),
    import('../engine/disk/real.ts'),
    import('./ui/progress.ts'),
  ])
  const { env, homeDir, cwd, pid, uid, signal } = world
  const ask = (question: string) => world.ask(question)
  const become = (file: string, args: readonly string[]) => world.become(file, args)
  const homes = findHomes(env, homeDir, cwd)
  return {
    ...voice,
    progress: makeTeller(voice.json ? undefined : world.line, systemClock),
    homes,
    env,
    homeDir,
    cwd,
    pid,
    uid,
    signal,
    ask,
    become,
    clock: systemClock,
    ids: systemIds,
    openDisk,
  }
}
