// Bundles the TypeScript sources into dist/. Types are not looked at here: `npm run check` does that.
import { chmodSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

const common = { bundle: true, platform: 'node', target: 'node20', logLevel: 'warning' }

rmSync('dist', { recursive: true, force: true })

// The command. One file a verb, and one for whatever several share: node finds and opens a few files instead of two
// hundred, which is half of the time that a short command takes. Packages stay where npm puts them.
await build({
  ...common,
  entryPoints: ['cli/main.ts'],
  outdir: 'dist/cli',
  format: 'esm',
  splitting: true,
  packages: 'external',
})
await build({
  ...common,
  entryPoints: ['cli/stemma.cts'],
  outfile: 'dist/cli/stemma.cjs',
  format: 'cjs',
  external: ['./main.js'],
})

await build({
  ...common,
  entryPoints: ['bench/main.ts', 'bench/first.ts'],
  outdir: 'dist/bench',
  format: 'esm',
  splitting: true,
  packages: 'external',
})

for (const name of ['main.js', 'stemma.cjs']) chmodSync(`dist/cli/${name}`, 0o755)
await import('./bundle.js')
