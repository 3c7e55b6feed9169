/** U4: the judgements of the doctor, as tables: facts in, findings out. */
import { describe, expect, test } from 'vitest'
import type { Facts, LinkFacts, OwnHook, Told } from '../../../cli/doctor/facts.ts'
import { judge } from '../../../cli/doctor/judge.ts'
import { diskFullBytes, diskLowBytes } from '../../../schemas/limits-cli.ts'
import { follower, idle, idsOf, master, nowMs, served, sound, status } from './facts.ts'
import { down, installedHere, services } from './services.ts'

const told = (code: Told['code']): Told => ({ code, message: `It is ${code}.`, hint: 'Do that.' })
const second = 1_000
const minute = 60 * second

test('U4: nothing is reported where all is well, for either role and for neither', () => {
  for (const facts of [sound, master, follower]) expect(idsOf(facts)).toEqual([])
})

test('U4: every finding is a line, what it means, and what to do, within 80 columns', () => {
  const broken: readonly Facts[] = [
    ...[...spoilt, ...services, ...links].map(([facts]) => facts),
    ...places.map(([place]) => ({ ...follower, place: { ...follower.place, ...place } })),
  ]
  const findings = broken.flatMap(judge)
  expect(new Set(findings.map(({ id }) => id)).size).toBeGreaterThan(40)
  for (const { id, title, means, todo } of findings) {
    expect(id).toMatch(/^[a-z]+(?:-[a-z]+)*$/)
    expect(title, id).toMatch(/^[A-Z0-9`].*[.]$/)
    expect(`warning  ${title}`.length, title).toBeLessThanOrEqual(80)
    expect(means, id).toMatch(/[.]$/)
    expect(todo, id).toMatch(/^[A-Z`].*[.\d]$|chmod|chown/)
  }
})

test('U4: faults come before warnings', () => {
  const facts = {
    ...follower,
    codex: { ...follower.codex, file: null },
    stored: { ...whole(follower), cutOff: true },
  }
  expect(idsOf(facts)).toEqual(['apply-cut-off', 'codex-missing'])
})

type Place = Partial<Facts['place']>
const at = (realStemma: string, realCodex = '/home/u/.codex'): Place => ({ realStemma, realCodex })
const free = (bytes: number): Place => ({ free: [{ path: '/home/u/.stemma', bytes }] })
const mode = (path: string, mode: number, uid = 1000): Place => ({
  owned: [{ path, mode, wanted: path.endsWith('.key') ? 0o600 : 0o700, uid }],
})
/** What is there, what is found, and of what level. */
const places: readonly (readonly [Place, string | null, string])[] = [
  [at('/home/u/Dropbox/.stemma'), 'synced-folder', 'fault'],
  [at('/home/u/Dropbox (Personal)/s'), 'synced-folder', 'fault'],
  [at('C:\\Users\\u\\OneDrive - Firm\\.stemma'), 'synced-folder', 'fault'],
  [at('C:\\Users\\u\\OneDrive\\.stemma'), 'synced-folder', 'fault'],
  [at('/Users/u/Library/Mobile Documents/com~apple~CloudDocs/.stemma'), 'synced-folder', 'fault'],
  [at('/Users/u/Library/CloudStorage/GoogleDrive-u@example.com/.stemma'), 'synced-folder', 'fault'],
  [at('/home/u/Nextcloud/.stemma'), 'synced-folder', 'fault'],
  [at('/home/u/dropbox-tools/.stemma'), null, ''],
  [at('/home/u/.stemma', '/home/u/Dropbox/.codex'), 'synced-home', 'warning'],
  [{ marks: ['/home/u/.stfolder'] }, 'synced-folder', 'fault'],
  [{ marks: ['/home/u/.dropbox.cache'] }, 'synced-folder', 'fault'],
  [at('/home/u/net/.stemma'), 'network-folder', 'warning'],
  [at('/home/u/network/.stemma'), null, ''],
  [
    {
      mounts: [
        { at: '/', kind: 'overlay' },
        { at: '/home/u', kind: 'fuse.sshfs' },
      ],
    },
    'network-folder',
    'warning',
  ],
  [
    {
      mounts: [
        { at: '/home/u', kind: 'cifs' },
        { at: '/home/u', kind: 'ext4' },
      ],
    },
    null,
    '',
  ],
  [{ mounts: [] }, null, ''],
  [free(diskLowBytes), null, ''],
  [free(diskLowBytes - 1), 'disk-low', 'warning'],
  [free(diskFullBytes), 'disk-low', 'warning'],
  [free(diskFullBytes - 1), 'disk-full', 'fault'],
  [mode('/home/u/.stemma', 0o755), 'wrong-mode', 'warning'],
  [mode('/home/u/.stemma', 0o770), 'wrong-mode', 'fault'],
  [mode('/home/u/.stemma/run', 0o750), 'wrong-mode', 'fault'],
  [mode('/home/u/.stemma/keys/log.key', 0o604), 'wrong-mode', 'fault'],
  [mode('/home/u/.stemma/keys/log.key', 0o400), null, ''],
  [mode('/home/u/.stemma', 0o700, 0), 'wrong-owner', 'fault'],
  [{ ...mode('/home/u/.stemma', 0o777), hasModes: false }, null, ''],
]
describe('where the folders lie', () => {
  test.each(places)('%j', (place, id, level) => {
    const found = judge({ ...follower, place: { ...follower.place, ...place } })
    expect(found.map((one) => [one.id, one.level])).toEqual(id === null ? [] : [[id, level]])
  })

  test('only what is ours is closed by --fix', () => {
    const fixables = (uid: number) =>
      judge({ ...follower, place: { ...follower.place, ...mode('/home/u/.stemma/run', 0o777, uid) } }).map(
        ({ id, fixable }) => [id, fixable],
      )
    expect(fixables(1000)).toEqual([['wrong-mode', true]])
    expect(fixables(7)).toEqual([
      ['wrong-owner', false],
      ['wrong-mode', false],
    ])
  })
})

function whole({ stored }: Facts): NonNullable<Facts['stored']> {
  if (stored === null) throw new Error('nothing is stored there')
  return stored
}
const hooked = (one: Partial<OwnHook>, more: Partial<NonNullable<Facts['hooks']>> = {}): Facts => ({
  ...follower,
  hooks: {
    ...{ isWanted: true, fault: null, isOff: false },
    own: (['SessionStart', 'SessionEnd'] as const).map((event) => ({
      ...{ event, status: 'trusted', gone: [], isForHere: true },
      ...one,
    })),
    ...more,
  },
})
const on = (serving: Partial<NonNullable<typeof status.serving>>, more: Partial<typeof status> = {}) => ({
  ...status,
  ...more,
  serving: status.serving && { ...status.serving, ...serving },
})
const storing = (facts: Facts, more: Partial<NonNullable<Facts['stored']>>): Facts => ({
  ...facts,
  stored: { ...whole(facts), ...more },
})
const watched = (pid: number, untilMs: number, isAlive: boolean, owner: number | null): Facts => ({
  ...follower,
  survey: { owner: owner === null ? null : { pid: owner, what: 'follower watch' }, dead: [] },
  watching: { pid, untilMs, isAlive },
})
const chatgpt = { kind: 'chatgpt', account: null, expiresMs: null } as const

/** Facts, what is found there, and whether `--fix` mends it. */
const spoilt: readonly (readonly [Facts, string | null, boolean])[] = [
  [{ ...follower, keeps: '/home/u/other', codex: { ...sound.codex, hasHome: false } }, 'other-home', false],
  // The hook.
  [hooked({}, { own: [] }), 'hook-missing', true],
  [hooked({}, { own: hooked({}).hooks?.own.slice(0, 1) ?? [] }), 'hook-missing', true],
  [hooked({}, { own: [], isWanted: false }), 'nothing-fresh', false],
  [
    { ...hooked({}, { own: [], isWanted: false }), watching: { pid: 5, untilMs: nowMs + 1, isAlive: true } },
    null,
    false,
  ],
  [hooked({ gone: ['/nvm/node'] }), 'hook-moved', true],
  [hooked({ gone: ['/nvm/node'], status: 'untrusted' }), 'hook-moved', true],
  [hooked({ isForHere: false }), 'hook-moved', true],
  [hooked({ gone: null }), null, false],
  [hooked({ status: 'untrusted' }), 'hook-untrusted', true],
  [hooked({ status: 'modified' }), 'hook-modified', true],
  [hooked({ status: 'disabled' }), 'hook-disabled', false],
  [hooked({}, { isOff: true }), 'hooks-off', false],
  [hooked({ status: 'untrusted' }, { isOff: true }), 'hooks-off', false],
  [hooked({}, { fault: 'the whole is not what Codex takes there', own: [] }), 'hooks-refused', false],
  // Codex, its config, the shim.
  [
    { ...hooked({ status: 'untrusted' }), config: [{ path: 'config.toml', why: 'It is wrong.' }] },
    'config-refused',
    false,
  ],
  [{ ...follower, config: [{ path: 'lab.config.toml', why: 'It is wrong.' }] }, 'config-refused', false],
  [{ ...sound, codex: { file: null, version: null, hasHome: true } }, 'codex-missing', false],
  [{ ...sound, codex: { file: '/c', version: null, hasHome: true } }, 'codex-broken', false],
  [{ ...sound, codex: { file: '/c', version: '0.168.9', hasHome: true } }, 'codex-unknown', false],
  [{ ...sound, codex: { file: '/c', version: '0.1690.0', hasHome: true } }, 'codex-unknown', false],
  [{ ...sound, codex: { file: '/c', version: '0.169.7', hasHome: true } }, null, false],
  [{ ...sound, codex: { ...sound.codex, hasHome: false } }, 'home-missing', false],
  [{ ...follower, shim: { file: '/s/codex', gone: [], isExecutable: true, found: 'first' } }, null, false],
  [
    { ...follower, shim: { file: '/s/codex', gone: [], isExecutable: true, found: 'behind' } },
    'shim-shadowed',
    false,
  ],
  [
    { ...follower, shim: { file: '/s/codex', gone: [], isExecutable: true, found: 'never' } },
    'shim-shadowed',
    false,
  ],
  [
    { ...follower, shim: { file: '/s/codex', gone: ['/n'], isExecutable: true, found: 'behind' } },
    'shim-broken',
    true,
  ],
  [
    { ...follower, shim: { file: '/s/codex', gone: [], isExecutable: false, found: 'never' } },
    'shim-broken',
    true,
  ],
  // A master.
  [served({ status: null }, idle), 'serve-stopped', false],
  [served({ status: null, isTaken: true }, idle), 'port-taken', false],
  [
    served({ status: null }, { survey: { owner: { pid: 8, what: 'master rebuild' }, dead: [] } }),
    null,
    false,
  ],
  [served({ status: null, fault: told('timed-out') }), 'serve-silent', false],
  [served({ tailnet: null }), 'not-on-tailnet', false],
  [served({ tailnet: null, status: on({}, { allow: ['192.168.0.0/16'] }) }), null, false],
  [served({ status: on({ hosts: ['192.168.1.5'] }) }), 'not-on-tailnet', false],
  [served({ status: on({ hosts: ['100.64.1.1'] }), hostsOnTailnet: ['100.64.1.1'] }), null, false],
  [served({ status: on({}, { paused: { ...told('files-gone'), since: '' } }) }), 'paused', false],
  [
    served({ status: on({ watching: false }, { paused: { ...told('home-missing'), since: '' } }) }),
    'paused',
    false,
  ],
  [
    {
      ...served({ status: on({}, { paused: { ...told('home-missing'), since: '' } }) }),
      codex: { ...sound.codex, hasHome: false },
    },
    'home-missing',
    false,
  ],
  [served({ status: on({ watching: false }) }), 'few-watches', false],
  [served({ inotify: { watches: 1035, instances: 128 } }), 'few-watches', false],
  [served({ inotify: { watches: 1036, instances: 128 } }), null, false],
  [served({ inotify: { watches: 65_536, instances: 15 } }), 'few-watches', false],
  [served({ inotify: null }), null, false],
  // What is stored.
  [storing(follower, { keys: told('keys-damaged') }), 'keys-damaged', false],
  [storing(follower, { keys: told('keys-exposed') }), null, false],
  [storing(follower, { log: told('log-damaged') }), 'log-damaged', false],
  [storing(master, { log: told('disk-io') }), 'log-damaged', false],
  [storing(follower, { log: told('upgrade-needed') }), 'upgrade-needed', false],
  [storing(follower, { missing: ['a'] }), 'contents-damaged', true],
  [storing(follower, { damaged: ['a', 'b'] }), 'contents-damaged', true],
  [storing(master, { damaged: ['a'] }), 'contents-damaged', false],
  [
    storing(served({ status: null }, { survey: { owner: { pid: 8, what: 'apply' }, dead: [] } }), {
      missing: ['a'],
    }),
    'contents-damaged',
    false,
  ],
  [storing(follower, { fork: '/e/fork-1.json' }), 'forked', false],
  [storing(master, { fork: '/e/fork-1.json' }), 'forked', false],
  [storing(follower, { cutOff: true }), 'apply-cut-off', true],
  [
    storing({ ...follower, leftovers: ['/home/u/.codex/.stemma-stage'] }, { cutOff: true }),
    'apply-cut-off',
    true,
  ],
  [
    storing(
      { ...follower, plan: { conflicts: [], left: [], fault: told('ledger-damaged') } },
      { records: told('ledger-damaged') },
    ),
    'ledger-damaged',
    false,
  ],
  [{ ...follower, leftovers: ['/home/u/.stemma/.tmp-1', '/b', '/c', '/d'] }, 'leftovers', true],
  // Who lives in the folder.
  [{ ...follower, survey: { owner: null, dead: ['/r/w-1.sock'] } }, 'stale-lock', true],
  [{ ...follower, survey: { owner: 'mute', dead: [] } }, 'owner-mute', false],
  [watched(5, nowMs + 1, true, 5), null, false],
  [watched(5, nowMs - 1, true, 5), 'watch-silent', false],
  [watched(5, nowMs + 1, true, 6), null, false],
  [watched(5, nowMs + 1, false, null), 'watch-stale', true],
  [watched(5, nowMs - 1, true, null), 'watch-stale', true],
  // The home of a follower.
  [{ ...follower, plan: { conflicts: ['AGENTS.md'], left: [], fault: null } }, 'conflicts', false],
  [{ ...follower, plan: { conflicts: ['a', 'b', 'c', 'd'], left: [], fault: null } }, 'conflicts', false],
  [
    {
      ...follower,
      plan: {
        conflicts: [],
        left: [{ path: 'skills/a', why: 'It is too large.', hint: 'Do that.' }],
        fault: null,
      },
    },
    'file-left',
    false,
  ],
  [{ ...follower, plan: { conflicts: [], left: [], fault: told('disk-denied') } }, 'home-unreadable', false],
  [{ ...follower, login: { ...chatgpt, refreshes: true } }, 'login-refreshes', false],
  [{ ...follower, login: { ...chatgpt, refreshes: false } }, null, false],
  [{ ...follower, login: { kind: 'apikey' } }, null, false],
  // Settings.
  [{ ...sound, role: 'unknown', settings: [told('bad-local')] }, 'bad-local', false],
  [{ ...follower, settings: [told('bad-settings')] }, 'bad-settings', false],
  [
    { ...sound, role: 'unknown', settings: [told('disk-denied'), told('disk-denied')] },
    'folder-closed',
    false,
  ],
]
test('what the service starts has moved: a fault where it is down, or has no launcher at all', () => {
  const gone = ['/nvm/node']
  const levels = [
    installedHere({ gone }),
    installedHere({ hasLauncher: false }),
    down({ phase: 'again' }, { gone }),
    down({}, { gone }),
  ].map((facts) => judge(facts).map(({ level }) => level))
  expect(levels).toEqual([['warning'], ['fault'], ['fault'], ['fault']])
})

describe('each fault alone', () => {
  test.each(
    [...spoilt, ...services].map(([facts, id, fixable], at) => [`${at}: ${id}`, facts, id, fixable] as const),
  )('%s', (_name, facts, id, fixable) => {
    const found = judge(facts)
    expect(found.map((one) => [one.id, one.fixable])).toEqual(id === null ? [] : [[id, fixable]])
  })
})

const linked = (answer: LinkFacts['answer'], trouble: Told['code'] | null = null): Facts => ({
  ...follower,
  link: {
    answer,
    trouble: trouble && { ...told(trouble), refused: false, since: '', last: '' },
  },
})
const there = { dateMs: nowMs }
/** What the master answered now and what the last sync met, and what is found. */
const links: readonly (readonly [Facts, string | null])[] = [
  [linked(told('unreachable')), 'master-unreachable'],
  [linked(told('timed-out')), 'master-unreachable'],
  [linked(told('unreachable'), 'unreachable'), 'master-unreachable'],
  [linked(told('unreachable'), 'fork'), 'master-unreachable'],
  [linked(told('pin-mismatch'), 'pin-mismatch'), 'master-replaced'],
  [linked(told('revoked')), 'revoked'],
  [linked(told('peer-refused')), 'peer-refused'],
  [linked(told('protocol')), 'master-odd'],
  [linked(told('protocol'), 'waiting'), 'waiting'],
  [linked(there, 'unreachable'), null],
  [linked(there, 'timed-out'), null],
  [linked(there, 'pin-mismatch'), 'last-contact'],
  [linked(there, 'disk-full'), 'last-contact'],
  [linked(null, 'unreachable'), 'last-contact'],
  [linked(null), null],
  [linked({ dateMs: nowMs - 2 * minute }), null],
  [linked({ dateMs: nowMs + 2 * minute }), null],
  [linked({ dateMs: nowMs - 2 * minute - second }), 'clock-apart'],
  [linked({ dateMs: nowMs + 2 * minute + second }), 'clock-apart'],
  [linked({ dateMs: null }), null],
  [storing(linked(told('unreachable'), 'fork'), { fork: '/e' }), 'forked'],
]
test.each(links.map(([facts, id], at) => [`${at}: ${id}`, facts, id] as const))(
  'the master: %s',
  (_name, facts, id) => {
    expect(idsOf(facts)).toEqual(id === null ? [] : [id])
  },
)
