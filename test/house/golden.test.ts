/**
 * Golden bytes: every layout that is signed or hashed, over fixed inputs. A change here breaks every log there is.
 */
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { rowLayouts, sections } from '../../schemas/section.ts'
import * as signable from '../../schemas/signable.ts'

/** Bytes that differ from place to place and from field to field. */
const fill = (length: number, first: number): Buffer =>
  Buffer.from(Array.from({ length }, (_, index) => (first + index * 7) & 0xff))
const logId = fill(16, 1)
const [a, b, c, d] = [fill(32, 2), fill(32, 3), fill(32, 5), fill(32, 8)]
const [signedOnce, signedTwice] = [fill(64, 13), fill(64, 21)]
/** Needs both halves of a 64-bit number. */
const large = 0x1f_0203_0405_06
const rotation = { logId, index: 3, role: 'node', oldKey: a, newKey: b } as const

const layouts: Readonly<Record<string, Buffer>> = {
  chainRoot: signable.chainRoot(logId),
  headBytes: signable.headBytes({
    logId,
    seq: large,
    entry: a,
    state: b,
    revision: c,
    foldVersion: 1,
    timeMs: 1_767_225_600_000,
  }),
  channelBytes: signable.channelBytes(fill(signable.signedHeadBytes, 34), d),
  charterBytes: signable.charterBytes({ logId, logKey: a, nodeKey: b, recoveryKey: c, foldVersion: 1 }),
  rotateBytes: signable.rotateBytes(rotation),
  recoverBytes: signable.recoverBytes({ ...rotation, role: 'log' }),
  grantBytes: signable.grantBytes({ logId, epoch: 0xfedcba98, follower: a }),
  secretBytes: signable.secretBytes({ logId, content: fill(16, 34) }),
  wrapBytes: signable.wrapBytes({ logId, epoch: 0xfedcba98, content: fill(16, 34), sealed: b }),
  stateBytes: signable.stateBytes(1, [a, b, c], d),
  revisionBytes: signable.revisionBytes(a, b),
  checkpointBytes: signable.checkpointBytes(a, large, b),
  mapKeyBytes: signable.mapKeyBytes('skills/grüße/SKILL.md'),
  bucketBytes: signable.bucketBytes([
    { key: a, value: b },
    { key: c, value: d },
  ]),
  nodeBytes: signable.nodeBytes(Array.from({ length: 16 }, (_, index) => fill(32, index))),
  rowBytes: signable.rowBytes('kind', [{ u8: 1 }, { u32: 2 }, { u64: 3 }, { raw: a }, { text: 'é' }]),
}

const rowsLaidOut: Readonly<Record<string, Buffer>> = {
  file: rowLayouts.files({ exec: true, size: 65_536, blob: a }),
  secret: rowLayouts.secrets({ exec: false, content: fill(16, 55) }),
  follower: rowLayouts.followers({
    kind: 'follower',
    node: a,
    seal: b,
    name: 'Annas Rechner ☂',
    platform: 'linux',
    enrolledMs: large,
    revokedMs: 0,
  }),
  enrolment: rowLayouts.followers({ kind: 'enrolment', approve: true }),
  epoch: rowLayouts.epochs({ kind: 'current', epoch: 7, wraps: new Uint8Array(32).fill(6) }),
  grant: rowLayouts.epochs({ kind: 'grant', epoch: 7, follower: a, sealed: fill(80, 89) }),
  charter: rowLayouts.keys({
    kind: 'charter',
    logId,
    logKey: a,
    nodeKey: b,
    recoveryKey: c,
    foldVersion: 1,
    byLog: signedOnce,
    byNode: signedTwice,
  }),
  rotated: rowLayouts.keys({
    kind: 'rotated',
    role: 'log',
    key: a,
    by: signedOnce,
    byNew: signedTwice,
    seq: 9,
  }),
  recovered: rowLayouts.keys({
    kind: 'recovered',
    role: 'node',
    key: a,
    by: signedOnce,
    byNew: signedTwice,
    seq: 9,
  }),
  selection: rowLayouts.selection({ include: ['memories/'], exclude: ['prompts/old.md'], links: [] }),
}

/** Length and SHA-256 of each. Never edited: a changed layout gets a new tag and a new name. */
const goldenLayouts: Readonly<Record<string, string>> = {
  chainRoot: '32 f5e792b4f185bfbac927109e0f8232e06e3d116145a7ba9f2a81ce53b40273ec',
  headBytes: '147 6e03b438bcc3adbfd5a0fe14c60541f63ab32008973628c1d84495264eaa63b5',
  channelBytes: '261 9e66e50d50603be2df3e85d9bdd9ef44946ee630ccab9b9c79097e2789c4eb1a',
  charterBytes: '134 e8319450b9ab8465a139767c68929d7ac492977055b9b7b60b2b2c1b0d67826c',
  rotateBytes: '102 ec178593480df0e22ce4118628294dfe48ec7eb6b3ade3c318c42a8e0448fa9a',
  recoverBytes: '103 c77cd5393a395345c3e3926932fb092730bd319dd800c9c8100337e903d922d5',
  grantBytes: '68 375dde845544cee203c6847a09c06421b7caede6a283516a0408b901cee46cbe',
  secretBytes: '49 abd480e082b89560d347b858887672d7f879a5ec58e5098e04d7e95ce412caba',
  wrapBytes: '83 4a7ff3ffa112d2cf1ed236ebc152589f135a96d849341f5ec930c753e34a86d0',
  stateBytes: '149 0ba75fb206b1b7057bc18114a231f6777b468c6b2b1ec7d42b31e56d6870942d',
  revisionBytes: '83 4e98343062a331bb6864618b080fe546f5bc9423c002fce832b5ee761fbfbcac',
  checkpointBytes: '93 2f809d6f74d79086208c3b027fe0f1731eeed0276d0ae8a8393c865ce03444f7',
  mapKeyBytes: '41 a532371946529d41d137ebbcc5a71cd930a967beb493bd4b0b6c1b631ac90013',
  bucketBytes: '145 d401efe70562907c5097d668a49cc312d08cd4d578e4439e300b5a8fda7cc0fd',
  nodeBytes: '527 4cc8c749d5fad21d32518b9c895ef87dfc9fe85eeb2d677ffe7c66ee945008cc',
  rowBytes: '70 ab4a3814dfce67f0236cdc26eaa5e95bae178059cf9584f357eec7e4f87acb21',
}
const goldenRows: Readonly<Record<string, string>> = {
  file: '60 f8282994b62cb98d8ec3d2a7a2a315e145218bf5af58beb187a01fff28775bf9',
  secret: '38 f9c251da301043aee504cc49fc62f6834edf733f54cb138236f47b0c1a68856b',
  follower: '133 264b22bb5fdcebb29a285c62ec27868f5a9dbdb7814eeb021985cbed782aba95',
  enrolment: '25 47fe8e075efc099047dc65f8c120adf500be0f8fdc8d2148fa7b46b49aa75e51',
  epoch: '56 4bb889942059ee9ce209ebb9c78fee52becd8f45fdc71312b6613ecc30b29621',
  grant: '140 99d020e260cefbdd0c579e635582476d0133100df20b156fcabae477f81fea2c',
  charter: '266 8911103c7821afeaa543bcf01810259950af156d150ad64609a58b33918c7012',
  rotated: '193 e2bd4e9f3e457bf69fbd28fb809adcb074ae245f9ec34ac6e505bd99e5835340',
  recovered: '193 8f77cf2c5e47e7f6f87f4936c93467fb878beb0f7f9c01947e752fbf29a217b1',
  selection: '67 fc72611d51f87bf95a05bb68b6a97ef6e96287dfffe38a951ddab3f631f976e3',
}

const digests = (from: Readonly<Record<string, Buffer>>) =>
  Object.fromEntries(
    Object.entries(from).map(([name, bytes]) => [
      name,
      `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`,
    ]),
  )

test('every layout gives the bytes that it always gave', () => {
  expect(digests(layouts)).toEqual(goldenLayouts)
})

test('every row gives the bytes that it always gave', () => {
  expect(digests(rowsLaidOut)).toEqual(goldenRows)
})

test('every layout that schemas/signable.ts has is pinned above, and every section but the empty one', () => {
  const exported = Object.entries(signable).flatMap(([name, value]) =>
    typeof value === 'function' && name !== 'layout' ? [name] : [],
  )
  expect(Object.keys(layouts).sort()).toEqual(exported.sort())
  expect(Object.keys(rowLayouts).sort()).toEqual([...sections].sort())
})

test('a head has the size that its constant says', () => {
  expect(layouts['headBytes']).toHaveLength(signable.headBodyBytes)
  expect(signable.signedHeadBytes).toBe(signable.headBodyBytes + signable.signatureBytes)
})

test('no layout begins like another: the tag before the NUL is its own', () => {
  const begins = Object.entries({ ...layouts, ...rowsLaidOut }).map(([, bytes]) =>
    bytes.subarray(0, bytes.indexOf(0) + 1).toString('latin1'),
  )
  for (const tag of begins) expect(tag).toMatch(/^stemma\/[a-z/]+\/v1\0$/)
  // Both kinds of rotation share a row, which says which it is.
  expect(new Set(begins).size).toBe(begins.length - 1)
  expect(new Set(Object.values(signable.tags)).size).toBe(Object.keys(signable.tags).length)
})
