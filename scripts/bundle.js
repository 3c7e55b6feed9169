// Bundles the session hook into the named file: it runs at every start of Codex, so node gets one file to find and parse.
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

await build({
  entryPoints: ['cli/hook/main.ts'],
  outfile: process.argv[2] ?? 'dist/stemma-hook.cjs',
  absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  minify: true,
})
