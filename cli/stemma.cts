#!/usr/bin/env node
/**
 * The command as it is installed: makes room for many syncs at once, and a server's heap small, then hands over to
 * `main.ts`.
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
// What serves for months holds little: the nursery of new values stays as small as it is now. V8 doubles it with every
// burst of work, the loading of our own code included, up to three times 16 MiB, and gives next to nothing back.
if (process.argv[2] === 'master' && process.argv[3] === 'serve')
  require('node:v8').setFlagsFromString('--semi-space-growth-factor=1')
void import('./main.js')
