/** An rsync daemon on loopback that offers one folder, as root or not, without chroot. */
import type { ChildProcess } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import type { Scratch } from './scratch.ts'

const waitMs = 20
const patienceMs = 10_000

export type RsyncDaemon = { readonly url: string; stop(): Promise<void> }

export async function startRsync(scratch: Scratch, folder: string): Promise<RsyncDaemon> {
  const port = await freePort()
  const config = join(scratch.folder('rsyncd'), 'rsyncd.conf')
  writeFileSync(
    config,
    `use chroot = no\naddress = 127.0.0.1\nport = ${port}\n[home]\npath = ${folder}\nread only = yes\n`,
  )
  const child = scratch.start('rsync', ['--daemon', '--no-detach', `--config=${config}`])
  await untilOpen(child, port)
  return { url: `rsync://127.0.0.1:${port}/home/`, stop: () => scratch.end(child) }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (typeof address !== 'object' || address === null) throw new Error('bug: a server without an address')
  return address.port
}

/** It says nothing when it listens. */
async function untilOpen(child: ChildProcess, port: number): Promise<void> {
  for (const end = performance.now() + patienceMs; performance.now() < end; ) {
    if (await isOpen(port)) return
    if (child.exitCode !== null) break
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
  throw new Error('the rsync daemon does not listen')
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
