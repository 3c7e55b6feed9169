/** The sweep: complete, repeatable, quick, and plain about what failed. */
import { expect, test } from 'vitest'
import type { DiskFaultKind, SimDisk } from './disk.ts'
import { kindOf, ofEachKind } from './slice.ts'
import { type Outcome, type Scenario, sweep } from './sweep.ts'

const path = '/log'
/** Appends records of 100 bytes, each durable before it is acknowledged. */
const append = async (disk: SimDisk, acked: number[], records: number) => {
  const file = await disk.open(path, 'edit')
  for (let at = 0; at < records; at++) {
    await file.write([Buffer.alloc(100, 65 + (at % 26))], 100 * at)
    await file.dataSync()
    acked.push(at)
  }
  await file.close()
}
const checkLog = (disk: SimDisk, acked: readonly number[]) => {
  const found = disk.peek(path) ?? Buffer.alloc(0)
  const lost = acked.filter(
    (at) => found[100 * at] !== 65 + (at % 26) || found[100 * at + 99] !== 65 + (at % 26),
  )
  expect(lost, 'acknowledged records that are lost').toEqual([])
}

test('Q1: every call is struck by every fault, and checked in every state', async () => {
  const seen = new Map<string, Set<number>>()
  const swept = await sweep<number>({
    name: 'append',
    prepare: async (disk) => disk.plantFile(path, ''),
    run: (disk, { acked }) => append(disk, acked, 5),
    check: async (disk, { fault, call, after, acked }) => {
      checkLog(disk, acked)
      const key = `${fault} ${after}`
      seen.set(key, (seen.get(key) ?? new Set()).add(call))
    },
  })
  const calls = 1 + 5 * 2 + 1
  expect(swept).toEqual({ calls, runs: 1 + 7 * calls, checks: 6 + (3 * 6 + 4 * 2) * calls })
  for (const fault of ['crash-before', 'crash-after', 'torn'])
    for (const after of ['rebooted', 'killed', 'again'])
      expect(seen.get(`${fault} ${after}`)?.size).toBe(calls)
  for (const fault of ['EIO', 'ENOSPC', 'EACCES', 'EBUSY'])
    for (const after of ['alive', 'again']) expect(seen.get(`${fault} ${after}`)?.size).toBe(calls)
  expect([...seen.keys()].filter((key) => key.startsWith('null'))).toEqual([
    'null rebooted',
    'null alive',
    'null again',
  ])
})

test('a sweep over 300 calls with all its reboots takes seconds', async () => {
  const start = performance.now()
  const { calls } = await sweep<number>({
    name: 'long append',
    prepare: async (disk) => {
      disk.plantFile(path, '')
      for (let at = 0; at < 300; at++) disk.plantFile(`/home/skill-${at}/SKILL.md`, Buffer.alloc(2000, at))
    },
    run: (disk, { acked }) => append(disk, acked, 150),
    check: async (disk, { acked }) => checkLog(disk, acked),
  })
  expect(calls).toBe(302)
  expect(performance.now() - start).toBeLessThan(30_000)
})

test('a failure names scenario, fault, call, path and seed', async () => {
  const broken = sweep<number>({
    name: 'forgetful',
    seed: 7,
    run: async (disk, { acked }) => {
      const file = await disk.open(path, 'create')
      await file.write([Buffer.from('x')], 0)
      acked.push(1)
      await file.close()
    },
    check: async (disk, { acked }) => {
      if (acked.length > 0 && disk.peek(path) === null) throw new Error('lost')
    },
    faults: ['crash-before'],
  })
  await expect(broken).rejects.toThrow(/^forgetful: no fault, seed 7, rebooted with seed \d+: lost$/)
})

test('the latent loss is found: what a restart relied on but nobody made durable', async () => {
  const states: Outcome<never>['after'][] = []
  const latent = sweep({
    name: 'latent',
    run: async (disk) => {
      await disk.makeDir('/d')
      await disk.syncDir('/')
    },
    check: async (disk, { after }) => {
      states.push(after)
      if (after === 'again') {
        expect(await disk.stat('/d')).not.toBeNull()
      } else if (await disk.makeDir('/d')) await disk.syncDir('/')
    },
  })
  await expect(latent).rejects.toThrow(
    /^latent: crash-after at call 1 \(makeDir \/d\), seed 1, killed, then a power cut/,
  )
})

test('a bug in the scenario is told as such, and so is one that is not repeatable', async () => {
  const check = async () => {}
  const bug = sweep({ name: 'bug', run: async () => Promise.reject(new TypeError('oops')), check })
  await expect(bug).rejects.toThrow('bug: no fault, seed 1, run: oops')
  let runs = 0
  const whim = sweep({
    name: 'whim',
    run: async (disk) => {
      for (let at = runs++; at < 3; at++) await disk.stat('/')
    },
    check,
  })
  await expect(whim).rejects.toThrow('not repeatable')
})

test('errors that a scenario handles let it go on', async () => {
  const handled: DiskFaultKind[] = []
  await sweep<string>({
    name: 'patient',
    faults: ['EBUSY'],
    run: async (disk, { acked }) => {
      await disk.makeDir('/d').catch(() => disk.makeDir('/d'))
      acked.push('made')
    },
    check: async (_disk, { fault, error, acked }) => {
      expect([error, acked]).toEqual([null, ['made']])
      if (fault) handled.push(fault)
    },
  })
  expect(handled).toEqual(['EBUSY', 'EBUSY'])
})

test('a slice strikes every kind of call by every fault that can show there, early and late, and nothing before the begin', async () => {
  const struck: string[] = []
  const scenario: Scenario<number> = {
    name: 'slice',
    reboots: 1,
    strikes: ofEachKind,
    prepare: async (disk) => disk.plantFile(path, ''),
    run: async (disk, { acked, begin }) => {
      await disk.stat('/before')
      begin()
      await append(disk, acked, 5)
    },
    check: async (disk, { fault, call, at: where, after, acked }) => {
      checkLog(disk, acked)
      if (fault && where && (after === 'alive' || after === 'killed'))
        struck.push(`${fault} ${kindOf(where)} ${call}`)
    },
  }
  const { calls, runs } = await sweep(scenario)
  expect(calls).toBe(13)
  // stat 1, open 2, then writes and syncs in turn, close 13.
  const [open, close] = [`open ${path}`, `close ${path}`]
  const [write, sync] = [`write ${path}`, `dataSync ${path}`]
  expect(struck.sort()).toEqual(
    [
      ...['EIO', 'ENOSPC', 'EACCES', 'EBUSY', 'crash-after'].map((fault) => `${fault} ${open} 2`),
      ...['EIO', 'ENOSPC', 'EACCES', 'EBUSY'].map((fault) => `${fault} ${close} 13`),
      ...[`EIO ${write} 3`, `ENOSPC ${write} 5`, `EACCES ${write} 5`, `EBUSY ${write} 7`],
      ...[`crash-after ${write} 9`, `torn ${write} 11`],
      ...[
        `EIO ${sync} 4`,
        `ENOSPC ${sync} 6`,
        `EACCES ${sync} 6`,
        `EBUSY ${sync} 8`,
        `crash-after ${sync} 10`,
      ],
    ].sort(),
  )
  expect(runs).toBe(1 + struck.length)
  struck.length = 0
  await sweep(scenario)
  expect(runs).toBe(1 + struck.length)
})

test('a kind leaves out what is drawn and counted', () => {
  const kind = (at: string) => kindOf({ call: 'open', path: at })
  expect(kind(`/s/blobs/${'0a'.repeat(32)}`)).toBe('open /s/blobs/<hash>')
  expect(kind('/s/apply/.tmp-jsnt6fgop8z2iwg2c2of')).toBe('open /s/apply/.tmp-<name>')
  expect(kind('/c/.stemma-stage/hwysjey2ipuu204onzir/3.old')).toBe('open /c/.stemma-stage/<name>/<n>.old')
  expect(kind('/s/log/0000000000000001.seg')).toBe('open /s/log/<n>.seg')
  expect(kind('/c/hooks.json')).not.toBe(kind('/c/config.toml'))
})
