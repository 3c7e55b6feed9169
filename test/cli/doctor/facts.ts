/** Facts of machines on which all is well, to be spoilt one by one. */
import type { Facts } from '../../../cli/doctor/facts.ts'
import { judge } from '../../../cli/doctor/judge.ts'
import type { MasterStatus } from '../../../schemas/report.ts'
import type { Hash } from '../../../schemas/shape.ts'

export const nowMs = Date.parse('2026-03-01T12:00:00Z')
const [stemmaHome, codexHome] = ['/home/u/.stemma', '/home/u/.codex']
const hash = 'a'.repeat(64) as Hash

export const sound: Facts = {
  ...{ role: 'none', nowMs, stemmaHome, codexHome, keeps: null, uid: 1000, settings: [] },
  place: {
    owned: [
      { path: stemmaHome, mode: 0o700, wanted: 0o700, uid: 1000 },
      { path: `${stemmaHome}/keys`, mode: 0o700, wanted: 0o700, uid: 1000 },
      { path: `${stemmaHome}/keys/node.key`, mode: 0o600, wanted: 0o600, uid: 1000 },
    ],
    ...{ realStemma: stemmaHome, realCodex: codexHome, marks: [], hasModes: true },
    mounts: [
      { at: '/', kind: 'ext4' },
      { at: '/home/u/net', kind: 'nfs4' },
    ],
    free: [
      { path: stemmaHome, bytes: 2 ** 33 },
      { path: codexHome, bytes: 2 ** 33 },
    ],
  },
  ...{ survey: { owner: null, dead: [] }, leftovers: [], watching: null, stored: null },
  codex: { file: '/usr/bin/codex', version: '0.169.0', hasHome: true },
  ...{
    shim: null,
    config: [],
    hooks: null,
    service: null,
    serving: null,
    link: null,
    plan: null,
    login: null,
  },
}

const stored = {
  ...{ keys: null, log: null, seq: 7, folders: 12, missing: [], damaged: [] },
  ...{ fork: null, cutOff: false, records: null },
} as const satisfies Facts['stored']

export const status: MasterStatus = {
  ...{ role: 'master', fingerprint: hash, log: '', seq: 7, revision: hash, files: 3, followers: 1 },
  ...{ pending: [], approve: false, publishedMs: nowMs, secrets: [], unlisted: [], unlistedMore: 0 },
  ...{ warnings: [], warningsMore: 0, forked: null, paused: null, allow: [] },
  service: null,
  home: codexHome,
  serving: { pid: 9, hosts: ['0.0.0.0', '::'], port: 17342, links: 1, watching: true },
}
export const master: Facts = {
  ...sound,
  ...{ role: 'master', stored, survey: { owner: { pid: 9, what: 'master serve' }, dead: [] } },
  serving: {
    ...{ status, fault: null, port: 17342, isTaken: false, tailnet: '100.64.1.1', hostsOnTailnet: [] },
    inotify: { watches: 65_536, instances: 128 },
  },
}

const own = { status: 'trusted', gone: [], isForHere: true } as const
export const follower: Facts = {
  ...sound,
  ...{ role: 'follower', stored, plan: { conflicts: [], left: [], fault: null } },
  hooks: {
    ...{ isWanted: true, fault: null, isOff: false },
    own: [
      { event: 'SessionStart', ...own },
      { event: 'SessionEnd', ...own },
    ],
  },
  link: { answer: { dateMs: nowMs }, trouble: null },
}

/** A master with other facts of its serving, and of the rest. */
export const served = (more: Partial<NonNullable<Facts['serving']>>, rest: Partial<Facts> = {}): Facts => {
  if (master.serving === null) throw new Error('no master')
  return { ...master, ...rest, serving: { ...master.serving, ...more } }
}
/** Nobody owns the folder. */
export const idle = { survey: { owner: null, dead: [] } } as const

export const idsOf = (facts: Facts): string[] => judge(facts).map(({ id }) => id)
