/**
 * The moment of a kill: something happens that can be seen from outside, and a moment later the process is stopped,
 * looked at, and killed without having run again.
 */
import { existsSync, type FSWatcher, mkdirSync, watch } from 'node:fs'
import { join } from 'node:path'
import type { Random } from '../sim/random.ts'
import { isConnected, type Place, writesUnderWay } from './scene.ts'

/** What is waited for: a name in a folder, a connection, or nothing but time. */
export type Cue =
  | { readonly kind: 'name'; readonly dir: string; readonly form: RegExp }
  | { readonly kind: 'connection'; readonly port: number }
  | { readonly kind: 'time'; readonly ms: number }

/** A cue that does not come (nothing was left to write) is given up after this long. */
const patienceMs = 1500

export async function await_(cue: Cue, alive: () => boolean): Promise<void> {
  switch (cue.kind) {
    case 'time':
      return pause(cue.ms)
    case 'connection': {
      const end = performance.now() + patienceMs
      while (!isConnected(cue.port) && alive() && performance.now() < end) await pause(1)
      return
    }
    case 'name':
      return named(cue.dir, cue.form)
  }
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function named(dir: string, form: RegExp): Promise<void> {
  // A folder that the first of its files would make: it has to be there to be watched.
  if (!existsSync(dir)) mkdirSync(dir, { recursive: true, mode: 0o700 })
  return new Promise((resolve) => {
    let watcher: FSWatcher | null = null
    const done = () => {
      clearTimeout(late)
      watcher?.close()
      resolve()
    }
    const late = setTimeout(done, patienceMs)
    watcher = watch(dir, (_event, name) => {
      if (name !== null && form.test(name)) done()
    })
  })
}

export type Victim = { readonly pid: number; readonly stemmaHome: string; readonly codexHome: string }

/** Kills with SIGKILL; returns where it was. Null when it had ended by itself. */
export function strike({ pid, stemmaHome, codexHome }: Victim, port: number): Set<Place> | null {
  try {
    process.kill(pid, 'SIGSTOP')
  } catch {
    return null
  }
  const found = writesUnderWay(stemmaHome, codexHome)
  if (isConnected(port)) found.add('request')
  process.kill(pid, 'SIGKILL')
  return found
}

/** Where to wait for a kill of `serve`, and of a command that fetches and applies. */
export function serveCue(random: Random, stemmaHome: string, port: number): Cue {
  const cues: readonly Cue[] = [
    { kind: 'name', dir: join(stemmaHome, 'blobs'), form: /^tmp-/ },
    { kind: 'name', dir: join(stemmaHome, 'blobs'), form: /^[0-9a-f]{64}$/ },
    { kind: 'name', dir: join(stemmaHome, 'log'), form: /\.seg$/ },
    { kind: 'connection', port },
    { kind: 'time', ms: random.below(400) },
  ]
  return cues[random.below(cues.length)] ?? { kind: 'time', ms: 0 }
}

/** Of a master that begins an epoch. */
export function epochCue(random: Random, stemmaHome: string): Cue {
  const cues: readonly Cue[] = [
    { kind: 'name', dir: join(stemmaHome, 'blobs'), form: /^tmp-/ },
    { kind: 'name', dir: join(stemmaHome, 'blobs'), form: /^[0-9a-f]{64}$/ },
    { kind: 'name', dir: stemmaHome, form: /^(?:\.tmp-|vault\.json)/ },
    { kind: 'name', dir: join(stemmaHome, 'log'), form: /\.seg$/ },
  ]
  return cues[random.below(cues.length)] ?? { kind: 'time', ms: 0 }
}

/** Of a command that applies what is there. */
export function applyCue(random: Random, stemmaHome: string, codexHome: string): Cue {
  const cues: readonly Cue[] = [
    { kind: 'name', dir: join(stemmaHome, 'apply'), form: /^journal\.json$/ },
    { kind: 'name', dir: join(stemmaHome, 'apply'), form: /^(?:\.tmp-|composed)/ },
    { kind: 'name', dir: join(stemmaHome, 'backups'), form: /./ },
    { kind: 'name', dir: codexHome, form: /^\.stemma-stage$/ },
    { kind: 'name', dir: codexHome, form: /^(?:config\.toml|hooks\.json)$/ },
  ]
  return cues[random.below(cues.length)] ?? { kind: 'time', ms: 0 }
}

export function fetchCue(random: Random, stemmaHome: string, codexHome: string, port: number): Cue {
  const cues: readonly Cue[] = [
    { kind: 'connection', port },
    { kind: 'name', dir: join(stemmaHome, 'blobs'), form: /^tmp-/ },
    { kind: 'name', dir: join(stemmaHome, 'log'), form: /\.seg$/ },
    { kind: 'name', dir: join(stemmaHome, 'apply'), form: /^journal\.json$/ },
    { kind: 'name', dir: join(stemmaHome, 'apply'), form: /^\.tmp-/ },
    { kind: 'name', dir: join(stemmaHome, 'backups'), form: /./ },
    { kind: 'name', dir: codexHome, form: /^\.stemma-stage$/ },
    { kind: 'name', dir: codexHome, form: /^(?:config\.toml|hooks\.json|auth\.json|\.env)$/ },
    { kind: 'time', ms: random.below(400) },
  ]
  return cues[random.below(cues.length)] ?? { kind: 'time', ms: 0 }
}
