/** `hook install`: puts a hook into Codex that keeps this home fresh. */
import { define } from '../command.ts'
import { withFollower } from '../follower/desk.ts'
import { changeHook } from '../follower/own.ts'

export const command = define({
  args: [],
  options: {},
  about: [
    'Codex runs it at the first turn of every session; what is new then counts from the next session on.',
    '`stemma run -- …` and the shim bring it into the very session that starts.',
  ],
  examples: ['hook install'],
  run: (context) =>
    withFollower(context, 'hook install', (desk, local) => changeHook(desk, { ...local, hook: true })),
})
