/** Strangers at a master: what they can cause is bounded, and none of them can lock the others out. */
import { expect, test } from 'vitest'
import { type Applicant, Master } from '../../../engine/master.ts'
import {
  enrolmentAddressesMax,
  enrolmentsPerAddressHourMax,
  pendingMax,
  pendingPerAddressMax,
} from '../../../schemas/limits.ts'
import { Gate } from '../../../transport/link/gate.ts'
import { SimClock } from '../../sim/clock.ts'
import { SimDisk } from '../../sim/disk.ts'
import { SimIds } from '../../sim/ids.ts'
import { endOf, stemmaHome } from './pair.ts'

async function makeGate() {
  const clock = new SimClock()
  const disk = new SimDisk()
  const { master } = await Master.init({ disk, clock, ids: new SimIds(1), stemmaHome })
  return { clock, disk, master, gate: new Gate(master, clock) }
}
const ids = new SimIds(9)
const applicant = (name = 'laptop'): Applicant => ({
  node: ids.bytes(32),
  seal: ids.bytes(32),
  name,
  platform: 'linux',
})
const never = new AbortController().signal

test('Q3: an enrolment that fails holds up no other', async () => {
  const { gate, master } = await makeGate()
  const wrong = { ...applicant(), node: master.keys.node.public }
  expect(await endOf(gate.enrol(wrong, '100.64.0.9', false))).toMatchObject({ code: 'refused' })
  const good = applicant()
  expect(await endOf(gate.enrol(good, '100.64.0.2', false))).toMatchObject({ code: 'done' })
  expect(master.standing(good.node)).toBe('enrolled')
})

test('Q3: nor does one that the disk refused', async () => {
  const { gate, disk, master } = await makeGate()
  disk.failAt(disk.calls + 1, 'ENOSPC')
  const good = applicant()
  expect((await endOf(gate.enrol(good, '100.64.0.2', false))).code).toBe('disk-full')
  expect(await endOf(gate.enrol(good, '100.64.0.2', false))).toMatchObject({ code: 'done' })
  expect(master.standing(good.node)).toBe('enrolled')
})

test('S14: two links of one machine enrol it once', async () => {
  const { gate, master } = await makeGate()
  const one = applicant()
  const before = master.head.seq
  await Promise.all([gate.enrol(one, 'a', false), gate.enrol(one, 'a', false), gate.enrol(one, 'b', true)])
  expect(master.head.seq).toBe(before + 1)
})

test('Q3: one address enrols so many in an hour, and others are not touched by it', async () => {
  const { gate, clock, master } = await makeGate()
  const all = await Promise.all(
    Array.from({ length: 30 }, () => endOf(gate.enrol(applicant(), '100.64.0.2', false))),
  )
  expect(all.filter((end) => end.code === 'done')).toHaveLength(enrolmentsPerAddressHourMax)
  expect(all.filter((end) => end.code === 'too-many')).toHaveLength(30 - enrolmentsPerAddressHourMax)
  expect(await endOf(gate.enrol(applicant(), '100.64.0.3', false))).toMatchObject({ code: 'done' })
  // A person's word is not counted, nor held back.
  expect(await endOf(gate.enrol(applicant(), '100.64.0.2', true))).toMatchObject({ code: 'done' })
  await clock.advance(3_600_000)
  expect(await endOf(gate.enrol(applicant(), '100.64.0.2', false))).toMatchObject({ code: 'done' })
  expect(master.followers()).toHaveLength(enrolmentsPerAddressHourMax + 3)
})

test('Q3: a log takes so many followers, and addresses beyond them are not remembered without end', async () => {
  const { gate } = await makeGate()
  const codes = new Map<string, number>()
  for (let n = 0; n < enrolmentAddressesMax + 20; n++) {
    const { code } = await endOf(gate.enrol(applicant(), `fd7a:115c:a1e0::${n.toString(16)}`, false))
    codes.set(code, (codes.get(code) ?? 0) + 1)
  }
  expect(Object.fromEntries(codes)).toEqual({ done: enrolmentAddressesMax, 'too-many': 20 })
})

test('Q3: so many may wait, in all and from one address; who leaves makes room', async () => {
  const { gate, clock, master } = await makeGate()
  await master.setApproval(true)
  const leave = new AbortController()
  const waits = Array.from({ length: pendingPerAddressMax }, () =>
    endOf(gate.approval(applicant(), '100.64.0.2', leave.signal)),
  )
  expect((await endOf(gate.approval(applicant(), '100.64.0.2', never))).code).toBe('too-many')
  for (let n = 0; n < pendingMax - pendingPerAddressMax; n++)
    waits.push(endOf(gate.approval(applicant(), `100.64.1.${n >> 1}`, leave.signal).catch(() => undefined)))
  expect(gate.pending()).toHaveLength(pendingMax)
  expect((await endOf(gate.approval(applicant(), '100.64.9.9', never))).code).toBe('too-many')
  leave.abort(new Error('gone'))
  await Promise.allSettled(waits)
  expect(gate.pending()).toEqual([])
  const late = applicant('late')
  const approved = endOf(gate.approval(late, '100.64.0.2', never))
  expect(gate.pending()).toMatchObject([{ name: 'late', address: '100.64.0.2' }])
  expect(gate.approve(gate.pending()[0]?.id ?? ('' as never))).toBe(true)
  await clock.advance(0)
  expect((await approved).code).toBe('done')
})

test('S14: two links of one machine wait as one, and one of them may leave', async () => {
  const { gate, master } = await makeGate()
  await master.setApproval(true)
  const one = applicant()
  const leave = new AbortController()
  const first = gate.approval(one, 'a', leave.signal)
  const second = gate.approval(one, 'a', never)
  expect(gate.pending()).toHaveLength(1)
  leave.abort(new Error('gone'))
  await expect(first).rejects.toThrow('gone')
  expect(gate.pending()).toHaveLength(1)
  await master.setApproval(false)
  await second
  expect(gate.pending()).toEqual([])
})
