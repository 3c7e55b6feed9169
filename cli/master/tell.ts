/** A master's status in words. */
import { formatAddress } from '../../schemas/link.ts'
import type { MasterStatus } from '../../schemas/report.ts'
import type { Context } from '../context.ts'
import { type ServiceState, serviceWords } from '../service/state.ts'
import { ago, counted } from '../ui/amount.ts'
import { bold, dim, red, yellow } from '../ui/paint.ts'

const shownMax = 10
/** Of address ranges, which have to share one line. */
const rangesMax = 2

export function tellMaster(
  { out, json, clock, homes }: Context,
  status: MasterStatus,
  service: ServiceState,
): void {
  if (json) {
    out.json({ ...status, service, home: homes.codexHome })
    return
  }
  const { serving } = status
  out.line(
    bold('Master'),
    ' of ',
    counted(status.files + status.secrets.length, 'file'),
    ' for ',
    counted(status.followers, 'follower'),
  )
  out.table(
    ['', ''],
    [
      ['home', homes.codexHome],
      ['entry', `${status.seq}, published ${ago(status.publishedMs, clock.now())}`],
      ['revision', status.revision.slice(0, 16)],
      ['fingerprint', status.fingerprint],
      [
        'serving',
        serving
          ? `${serving.hosts.map((host) => formatAddress(host, serving.port)).join(', ')}, ${counted(serving.links, 'link')}${serving.watching ? '' : ', polling'}`
          : 'no (start `stemma master serve`)',
      ],
      ['service', serviceWords('master', service)],
      ['enrolment', status.approve ? 'by `stemma master approve`' : openTo(status.allow)],
    ],
  )
  if (status.forked)
    out.flow(0, red('Forked: '), `nothing is published until \`stemma trust reset\`; see ${status.forked}`)
  if (status.paused) {
    out.flow(0, red('Publishing paused'), ` ${ago(Date.parse(status.paused.since), clock.now())}:`)
    out.flow(2, status.paused.message)
    out.flow(2, status.paused.hint)
  }
  for (const one of status.pending)
    out.flow(0, yellow('Waiting: '), `${one.name} (${one.platform}, ${one.address}) ${one.id.slice(0, 12)}`)
  list('Travel sealed:', status.secrets, 0)
  list('Not synced, unless settings.toml includes it:', status.unlisted, status.unlistedMore)
  tellWarnings({ out }, status)

  function list(head: string, items: readonly string[], rest: number): void {
    if (items.length === 0) return
    out.line(head)
    for (const item of items.slice(0, shownMax)) out.line('  ', item)
    const left = Math.max(0, items.length - shownMax) + rest
    if (left > 0) out.line(dim(`  and ${left} more (--json has them)`))
  }
}

export function tellWarnings(
  { out }: Pick<Context, 'out'>,
  { warnings, warningsMore }: Pick<MasterStatus, 'warnings' | 'warningsMore'>,
): void {
  if (warnings.length > 0) out.line(yellow('Warnings:'))
  for (const { why } of warnings.slice(0, shownMax)) out.flow(2, why)
  const more = warnings.length - shownMax + warningsMore
  if (more > 0) out.line(dim(`  and ${more} more (--json has them)`))
}

/** Whom the sockets let in, and who may therefore join. */
function openTo(ranges: readonly string[]): string {
  const more = ranges.length - rangesMax
  const shown = [...ranges.slice(0, rangesMax), ...(more > 0 ? [`${more} more`] : [])]
  return ['open to the tailnet', ...shown].join(', ').replace(/, (?=[^,]*$)/, ' and ')
}
