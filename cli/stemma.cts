#!/usr/bin/env node
/**
 * The command as it is installed: makes room for many syncs at once, then hands over to `main.ts`.
 * Always holds: the size of the thread pool is set before the pool exists, and no process that stemma starts
 * inherits it. This has to be CommonJS: Node reads ES modules through that very pool, so in one of them it is too late.
 */
const name = 'UV_THREADPOOL_SIZE'

if (process.env[name] === undefined) {
  // As many as `putsAtOnceMax` and `stageParallel`: a journal writes down together what is synced together.
  process.env[name] = '32'
  // The pool is made by its first task.
  require('node:fs').stat(__dirname, () => undefined)
  delete process.env[name]
}
void import('./main.js')
