/** A report for people: one table, each figure with its sides, ratios and goals. */
import type { Figure, Report } from './report.ts'

const nameWidth = 40

export function table({ machine, seed, quick, figures }: Report): string {
  const gib = (machine.memoryBytes / 2 ** 30).toFixed(0)
  const lines = [
    `stemma bench · seed ${seed}${quick ? ' · quick: too small to mean anything' : ''}`,
    `${machine.cores} × ${machine.cpu}, ${gib} GiB · ${machine.system} · node ${machine.node}`,
    `files on ${machine.fileSystem}: one durable new file of 4 KiB takes ${spread(machine.syncMs)} ms here`,
    'median (least – most) of the rounds; ratios are made round by round: the first line divided by this one,',
    'or, where a line names another one, this one divided by that',
  ]
  for (const figure of figures) lines.push('', ...rowsOf(figure))
  return `${lines.join('\n')}\n`
}

function rowsOf(figure: Figure): string[] {
  const { unit, better, rounds } = figure
  const rows = [`${figure.id}: ${figure.what}`, `  ${rounds} rounds, ${unit}, ${better} is better`]
  for (const side of figure.sides) {
    const tail = rounds >= 30 ? `, p99 ${amount(side.p99)}` : ''
    const mark = side.role === 'ours' ? '' : ` [${side.role}]`
    rows.push(
      `  ${`${side.name}${mark}`.padEnd(nameWidth)} ${`${spread(side)}${tail}`.padEnd(36)} ${ratioOf(figure, side.name)}`.trimEnd(),
    )
  }
  for (const { name, why } of figure.skipped) rows.push(`  ${name.padEnd(nameWidth)} skipped: ${why}`)
  for (const { text, met } of figure.goals)
    rows.push(`  goal: ${text}: ${met === null ? 'not judged' : met ? 'reached' : 'MISSED'}`)
  for (const note of figure.notes) rows.push(`  (${note})`)
  return rows
}

/** Where all are compared with one side, each says so; else the others say how the first one compares with them. */
function ratioOf({ ratios }: Figure, name: string): string {
  const [one, two] = ratios
  const shared = one !== undefined && one.to === two?.to
  const ratio = ratios.find(({ of, to }) => (shared ? of : to) === name)
  if (!ratio) return ''
  return shared ? `${spread(ratio)} × ${ratio.to}` : `ratio ${spread(ratio)}`
}

const spread = ({ median, min, max }: { median: number; min: number; max: number }): string =>
  `${amount(median)} (${amount(min)} – ${amount(max)})`

/** Three digits that count. */
function amount(value: number): string {
  if (value >= 1_000) return Math.round(value).toLocaleString('en-US')
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
