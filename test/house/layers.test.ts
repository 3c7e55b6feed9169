/** Imports go one way, and each part of the outside world has one door. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { besides, everything, hits, layers, others, product, project, type Source } from './sources.ts'

const roomOf = (path: string): string => path.split('/', 1)[0] ?? ''
const filesThatImport = (name: string, kind: 'builtin' | 'package', sources: readonly Source[]): string[] =>
  sources
    .filter((source) => source.imports.some((one) => one.kind === kind && one.name === name))
    .map((source) => source.path)

describe('layers', () => {
  test('schemas ← engine ← transport ← cli, and nothing imports test, bench or scripts', () => {
    const order: readonly string[] = layers
    const outside: readonly string[] = besides
    const wrong = everything.flatMap((source) =>
      source.imports
        .filter((one) => one.kind === 'file')
        .filter((one) => {
          const from = roomOf(source.path)
          const to = roomOf(one.name)
          if (outside.includes(from)) return !outside.includes(to) && !order.includes(to)
          return order.indexOf(to) === -1 || order.indexOf(to) > order.indexOf(from)
        })
        .map((one) => `${source.path} imports ${one.name}`),
    )
    expect(wrong).toEqual([])
  })

  test('every import of our own names its file with .ts', () => {
    const wrong = everything.flatMap((source) =>
      source.imports
        .filter((one) => one.kind === 'file' && !/\.(?:ts|js|mjs|json)$/.test(one.name))
        .map((one) => `${source.path} imports ${one.from}`),
    )
    expect(wrong).toEqual([])
  })

  test('builtins are imported with node:', () => {
    const wrong = everything.flatMap((source) =>
      source.imports
        .filter((one) => one.kind === 'package' && /^(?:fs|net|tls|https?|crypto|path|os)$/.test(one.name))
        .map((one) => `${source.path} imports ${one.from}`),
    )
    expect(wrong).toEqual([])
  })
})

describe('packages', () => {
  const manifest: { dependencies: Record<string, string>; devDependencies: Record<string, string> } =
    JSON.parse(readFileSync(`${project}package.json`, 'utf8'))

  test('every dependency is imported in exactly one file', () => {
    const wrong = Object.keys(manifest.dependencies)
      .map((name) => ({ name, files: filesThatImport(name, 'package', product) }))
      .filter(({ files }) => files.length !== 1)
    expect(wrong).toEqual([])
  })

  test('nothing is imported that package.json does not name, and the product uses no development package', () => {
    const named = (source: Source) => [
      ...Object.keys(manifest.dependencies),
      ...(others.includes(source) ? Object.keys(manifest.devDependencies) : []),
    ]
    const wrong = everything.flatMap((source) =>
      source.imports
        .filter((one) => one.kind === 'package' && !named(source).includes(one.name))
        .map((one) => `${source.path} imports ${one.name}`),
    )
    expect(wrong).toEqual([])
  })
})

/** The builtins with a door: which product files may import them. */
const doors: readonly { readonly names: readonly string[]; readonly door: RegExp }[] = [
  { names: ['fs', 'fs/promises'], door: /^engine\/(?:disk\/real|canon\/watch)\.ts$/ },
  { names: ['net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns', 'dns/promises'], door: /^transport\// },
  { names: ['crypto'], door: /^engine\/crypto\/|^transport\/identity\// },
  { names: ['process', 'readline', 'readline/promises', 'tty', 'child_process', 'module'], door: /^cli\// },
  { names: ['vm', 'cluster', 'worker_threads', 'inspector'], door: /^(?!)/ },
]

describe('doors', () => {
  for (const { names, door } of doors) {
    test(`node:${names.join(', node:')} only through ${door.source}`, () => {
      const importing = names.flatMap((name) => filesThatImport(name, 'builtin', product))
      expect(importing.filter((path) => !door.test(path))).toEqual([])
    })
  }

  test('process and console only in cli', () => {
    const pattern = /(?<![.\w])(?:process|console)\s*[.[]/
    const inner = product.filter((source) => roomOf(source.path) !== 'cli')
    // The real disk has to know on which system it is: its names and its folder syncs differ.
    const allowed = /^engine\/disk\/real\.ts:\d+: .*process\.platform/
    const found = inner.flatMap((source) => hits(source, pattern))
    expect(found.filter((hit) => !allowed.test(hit))).toEqual([])
  })

  test('the engine reads clock and chance through its ports only', () => {
    const pattern =
      /(?<![.\w])(?:Date\.now|new Date\(\)|Math\.random|performance\.now|setTimeout|setInterval)\b/
    const pure = product.filter((source) => /^(?:schemas|engine)\//.test(source.path))
    const shells = /^engine\/(?:env|disk\/real|canon\/watch)/
    expect(
      pure.filter((source) => !shells.test(source.path)).flatMap((source) => hits(source, pattern)),
    ).toEqual([])
  })
})
