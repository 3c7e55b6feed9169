/**
 * Steps that have to wait, told apart from a plan (S10). Pure.
 * Always holds: what waits is neither a change nor a conflict; what the user took just now does not wait.
 */
import type { Plan, Step } from './plan.ts'

export function withhold(plan: Plan, waits: (step: Step) => boolean): Plan {
  const staged = plan.steps.filter((step) => step.why !== 'taken' && waits(step))
  if (staged.length === 0) return plan
  const steps = plan.steps.filter((step) => !staged.includes(step))
  const folders = plan.folders.filter((folder) => steps.some(({ path }) => path.startsWith(`${folder}/`)))
  return { ...plan, steps, folders, staged: [...plan.staged, ...staged] }
}
