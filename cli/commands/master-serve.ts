/** `master serve`: publishes the home and serves followers until it is stopped. */
import { exitCodes } from '../../schemas/code.ts'
import { isRefusal, toFault } from '../../schemas/fault.ts'
import { createPeerRules } from '../../transport/identity/peer.ts'
import { define, flag, texts, whole } from '../command.ts'
import { withDesk } from '../master/desk.ts'
import { serve } from '../master/serve.ts'

export const command = define({
  args: [],
  options: {
    host: texts('ADDRESS', 'address to listen on (default: all; may be repeated)'),
    port: whole('PORT', 65535, 'port to listen on; 0 takes a free one (default: 17342)'),
    allow: texts('CIDR', 'let peers in from outside the tailnet (may be repeated)'),
    deny: texts('CIDR', 'keep peers of the tailnet out (may be repeated)'),
    approve: flag('new followers wait for `stemma master approve`'),
  },
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
    // A slip in an address range is answered before the folder is locked.
    const rules = createPeerRules({ allow: options.allow, deny: options.deny })
    if (isRefusal(rules)) throw toFault(rules)
    await withDesk(context, 'master serve', async (desk, lock) => {
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
