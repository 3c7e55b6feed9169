/** What is committed says nothing about the machine it was made on. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { project } from './sources.ts'

/** In an unpacked archive there is nothing to ask: the rule is for what is committed. */
function trackedFiles(): string[] {
  if (!existsSync(`${project}.git`)) return []
  const args = ['-c', 'safe.directory=*', 'ls-files', '-z']
  return execFileSync('git', args, { cwd: project, encoding: 'utf8', stdio: 'pipe' })
    .split('\0')
    .filter((path) => path !== '' && existsSync(`${project}${path}`))
}

const read = (path: string): string => readFileSync(`${project}${path}`, 'utf8')
const findings = (pattern: RegExp): string[] =>
  trackedFiles().flatMap((path) =>
    read(path)
      .split('\n')
      .flatMap((line, index) => (pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
  )

test('no path of a machine', () => {
  // Where Homebrew lies is the same on every Mac.
  const place =
    /(?<![\w.$}/])\/(?:root|opt(?!\/homebrew\/)|work\/(?:main|shared)|Users\/runner|home\/runner)\/[\w.]/
  expect(findings(place)).toEqual([])
})

test('no host of a package registry', () => {
  const host = /\b(?:registry|deb|security|ftp|files)\.[a-z-]+\.(?:org|com)\b|\b(?:npmjs|pypi)\.(?:org|com)\b/
  expect(findings(host)).toEqual([])
})

test('the lock file names no place to download from, and every package with its hash', () => {
  const lock: { packages: Record<string, { resolved?: string; integrity?: string; link?: boolean }> } =
    JSON.parse(read('package-lock.json'))
  const packages = Object.entries(lock.packages).filter(([path]) => path !== '')
  expect(packages.filter(([, facts]) => facts.resolved !== undefined)).toEqual([])
  expect(packages.filter(([, facts]) => facts.integrity === undefined).map(([path]) => path)).toEqual([])
})

test('nothing is built when stemma is installed: no package with an install script is needed', () => {
  const lock: {
    packages: Record<string, { hasInstallScript?: boolean; dev?: boolean; optional?: boolean }>
  } = JSON.parse(read('package-lock.json'))
  const building = Object.entries(lock.packages).filter(
    ([, facts]) => facts.hasInstallScript && !facts.dev && !facts.optional,
  )
  expect(building.map(([path]) => path)).toEqual([])
})
