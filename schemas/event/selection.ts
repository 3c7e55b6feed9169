/** What the user changed about the selection: all of it, each time. */
import { selectionRulesMax } from '../limits.ts'
import { linkRule, selectionRule } from '../rule.ts'
import { v } from '../shape.ts'
import { event } from './shape.ts'

export const selectionChanged = event('selection.changed', {
  include: v.pipe(v.array(selectionRule), v.maxLength(selectionRulesMax)),
  exclude: v.pipe(v.array(selectionRule), v.maxLength(selectionRulesMax)),
  links: v.pipe(v.array(linkRule), v.maxLength(selectionRulesMax)),
})
