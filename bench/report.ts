/**
 * What a run of the bench tells, as `--json` prints it. Declared once: the types are read off the schema, and
 * the test holds the output against it.
 * Always holds: `values[n]` of all sides of a figure were measured one after the other in round n, so they, and
 * only they, may be divided by each other.
 */
import { v } from '../schemas/shape.ts'

const number = v.pipe(v.number(), v.finite())
const spread = { median: number, min: number, max: number }

/** `floor`: what the machine itself takes for the part that cannot be left out. `peer`: another program. */
const side = v.strictObject({
  name: v.string(),
  role: v.picklist(['ours', 'floor', 'peer']),
  ...spread,
  p99: number,
  values: v.pipe(v.array(number), v.minLength(1)),
})
/** `of` divided by `to`, round by round. */
const ratio = v.strictObject({ of: v.string(), to: v.string(), ...spread })
/** What was set as a goal, in words, and whether the medians reach it. Null where its peer was not there. */
const goal = v.strictObject({ text: v.string(), met: v.nullable(v.boolean()) })

export const figure = v.strictObject({
  id: v.string(),
  what: v.string(),
  unit: v.string(),
  better: v.picklist(['more', 'less']),
  rounds: v.number(),
  sides: v.pipe(v.array(side), v.minLength(1)),
  ratios: v.array(ratio),
  goals: v.array(goal),
  notes: v.array(v.string()),
  skipped: v.array(v.strictObject({ name: v.string(), why: v.string() })),
})

export const report = v.strictObject({
  machine: v.strictObject({
    cpu: v.string(),
    cores: v.number(),
    memoryBytes: v.number(),
    system: v.string(),
    node: v.string(),
    /** Where everything was written, and what one durable new file of 4 KiB costs there. */
    fileSystem: v.string(),
    syncMs: v.strictObject(spread),
  }),
  seed: v.number(),
  quick: v.boolean(),
  figures: v.array(figure),
})

export type Side = v.InferOutput<typeof side>
export type Ratio = v.InferOutput<typeof ratio>
export type Goal = v.InferOutput<typeof goal>
export type Figure = v.InferOutput<typeof figure>
export type Report = v.InferOutput<typeof report>
