/**
 * Sources as JavaScript, for tests that start processes: Node 20 cannot run TypeScript itself.
 * Always holds: what is compiled is what lies in the tree now; types are checked elsewhere.
 */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const project = fileURLToPath(new URL('..', import.meta.url))

export type Compiled = {
  /** Where a source went: `at('cli/main.ts')`. */
  at(source: string): string
  remove(): void
}

/** One source and everything it imports, in one file: of many processes each finds and opens one instead of a hundred. */
export async function bundle(source: string): Promise<Compiled> {
  const folder = mkdtempSync(join(tmpdir(), 'stemma-bundled-'))
  const file = join(folder, 'main.js')
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n')
  symlinkSync(join(project, 'node_modules'), join(folder, 'node_modules'), 'junction')
  await build({
    entryPoints: [join(project, source)],
    outfile: file,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  })
  return {
    at: () => file,
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

/** Compiles the named sources (from the project's root) and everything they import. */
export async function compile(...sources: string[]): Promise<Compiled> {
  const folder = mkdtempSync(join(tmpdir(), 'stemma-compiled-'))
  const out = join(folder, 'out')
  mkdirSync(out)
  writeFileSync(join(out, 'package.json'), '{ "type": "module" }\n')
  symlinkSync(join(project, 'node_modules'), join(out, 'node_modules'), 'junction')
  const config = join(folder, 'tsconfig.json')
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(project, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        noCheck: true,
        rootDir: project,
        outDir: out,
        typeRoots: [join(project, 'node_modules/@types')],
      },
      files: sources.map((source) => join(project, source)),
      include: [],
    }),
  )
  const compiler = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')
  await new Promise<void>((resolve, reject) => {
    execFile(process.execPath, [compiler, '-p', config], (error, stdout) =>
      error ? reject(new Error(stdout, { cause: error })) : resolve(),
    )
  })
  return {
    at: (source) => join(out, source.replace(/\.ts$/, '.js')),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}
