/** `demo`: a master and a follower at play in a scratch folder. */
import { exitCodes } from '../../schemas/code.ts'
import { define, flag } from '../command.ts'
import { play } from '../demo/play.ts'
import { onStage } from '../demo/stage.ts'
import { Story } from '../demo/story.ts'
import { duration } from '../ui/amount.ts'

export const command = define({
  args: [],
  options: {
    keep: flag('leave the scratch folder for a look'),
  },
  about: [
    'Runs the real commands on loopback, in a scratch folder below the temporary one, which is removed at the end.',
    'Your own homes are not touched, and Codex need not be installed.',
  ],
  examples: ['demo', 'demo --keep', 'demo --json'],
  async run(context, _args, { keep }) {
    const story = new Story(context)
    story.words(
      'stemma keeps one Codex home on all your machines. A master publishes every change to its AGENTS.md, ' +
        'skills and prompts in a signed log; followers fetch it, verify it, and bring their files up to date.',
    )
    story.words('Here both play in a scratch folder, not in your ~/.codex; ✓ means checked.')
    const folder = await onStage(context, keep, async (stage) => {
      await play(stage, story)
      return keep ? stage.folder : null
    })
    const { steps, ms } = story
    if (context.json) {
      context.out.json({ ok: true, steps, ms, folder })
      return exitCodes.done
    }
    context.out.line()
    const left = keep ? '' : ' Nothing is left behind.'
    story.words(`All ${steps.length} steps done and checked, in ${duration(ms)}.${left}`)
    story.words('On your own machines: `stemma master init`, `master serve`, `master link`.')
    return exitCodes.done
  },
})
