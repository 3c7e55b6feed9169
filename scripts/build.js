// Compiles the TypeScript sources into dist/, marks the command as executable, and bundles the session hook.
import { spawnSync } from 'node:child_process'
import { chmodSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const compiler = join(
  dirname(createRequire(import.meta.url).resolve('typescript/package.json')),
  'bin',
  'tsc',
)
rmSync('dist', { recursive: true, force: true })
const run = spawnSync(process.execPath, [compiler, '-p', 'tsconfig.build.json'], { stdio: 'inherit' })
if (run.status !== 0) process.exit(run.status ?? 1)
for (const name of ['main.js', 'stemma.cjs']) chmodSync(`dist/cli/${name}`, 0o755)

await import('./bundle.js')
