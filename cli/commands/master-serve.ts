/** `master serve`: publishes the home and serves followers until it is stopped. */
import { exitCodes } from '../../schemas/code.ts'
import { define } from '../command.ts'
import { serveWords, withDesk } from '../master/desk.ts'
import { mustBeHosts, mustBeRanges, serveOptions } from '../master/options.ts'
import { serve } from '../master/serve.ts'

export const command = define({
  args: [],
  options: serveOptions,
  about: [
    'Peers are let in only over the tailnet (100.64.0.0/10, fd7a:115c:a1e0::/48) unless --allow names them.',
    'Logs go to standard error; with --json each fact is one line on standard output.',
  ],
  examples: [
    'master serve',
    'master serve --port 18000 --approve',
    'master serve --host 127.0.0.1 --allow 127.0.0.0/8',
  ],
  async run(context, _args, options) {
    mustBeHosts(options.host, 'master serve')
    mustBeRanges(options)
    await withDesk(context, serveWords, async (desk, lock) => {
      const { link, selection } = desk.settings
      desk.master.mustAppend()
      await desk.master.setSelection(selection)
      if (options.approve || link.approve) await desk.master.setApproval(true)
      await serve(desk, lock, {
        hosts: options.host.length > 0 ? options.host : link.host,
        port: options.port ?? link.port,
        allow: [...link.allow, ...options.allow],
        deny: [...link.deny, ...options.deny],
      })
    })
    return exitCodes.done
  },
})
