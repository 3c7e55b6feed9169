/** hooks.json in few words, for tests. */
import { readHooksFile } from '../../../engine/codex/hook.ts'
import type { OwnHooks } from '../../../engine/compose/hooks.ts'

export const own: OwnHooks = {
  SessionStart: '/usr/bin/node /srv/stemma/stemma-hook.cjs start',
  SessionEnd: '/usr/bin/node /srv/stemma/stemma-hook.cjs end',
}
type Groups = Record<string, readonly string[]>
/** One group for each command. */
export const json = (groups: Groups, more: object = {}): string =>
  JSON.stringify({
    ...more,
    hooks: Object.fromEntries(
      Object.entries(groups).map(([event, commands]) => [
        event,
        commands.map((command) => ({ hooks: [{ type: 'command', command }] })),
      ]),
    ),
  })
export const commandsIn = (text: string | null, event = 'SessionStart') =>
  readHooksFile(text ?? '{}', 'linux')
    .hooks.filter((hook) => hook.event === event)
    .map(({ command }) => command)
