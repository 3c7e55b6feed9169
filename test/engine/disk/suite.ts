/**
 * What every Disk must do, real or simulated: one suite for all.
 * Each test works in a fresh, empty folder.
 */
import { beforeEach, describe, expect, test } from 'vitest'
import type { Disk, OpenMode } from '../../../engine/disk/disk.ts'
import type { Code } from '../../../schemas/code.ts'
import { Fault } from '../../../schemas/fault.ts'

export type Subject = {
  readonly disk: Disk
  readonly dir: string
  /** Puts what the port itself cannot make. */
  readonly plantLink: (path: string, target: string) => void
  readonly plantFifo: (path: string) => void | Promise<void>
  readonly plantSocket: (path: string) => void | Promise<void>
  /** True when mode bits bind this user (not for root, not on Windows). */
  readonly obeysModes: boolean
}

export function diskSuite(name: string, fresh: () => Promise<Subject>): void {
  describe(name, () => {
    let subject: Subject
    let disk: Disk
    let dir: string
    beforeEach(async () => {
      subject = await fresh()
      disk = subject.disk
      dir = subject.dir
    })

    const put = async (path: string, content: string, permissions = 0o644) => {
      const file = await disk.open(path, 'create', permissions)
      await file.write([Buffer.from(content)], 0)
      await file.close()
    }
    const get = async (path: string): Promise<string> => {
      const file = await disk.open(path, 'read')
      const into = Buffer.alloc(100_000)
      const got = await file.read(into, 0)
      await file.close()
      return into.toString('utf8', 0, got)
    }
    const failure = async (act: Promise<unknown>): Promise<Fault> => {
      const error = await act.then(
        () => null,
        (thrown: unknown) => thrown,
      )
      if (!(error instanceof Fault)) throw new Error(`expected a Fault, got ${String(error)}`)
      return error
    }
    const fails = async (act: Promise<unknown>, code: Code, errno?: string) => {
      const fault = await failure(act)
      expect([fault.code, errno ?? fault.facts['errno']]).toEqual([code, fault.facts['errno']])
      expect(Object.keys(fault.facts).sort()).toEqual(['call', 'errno', 'path'])
      expect(fault.message).toContain(String(fault.facts['path']))
    }

    test('what is written is read again, at any position, with holes as zeros', async () => {
      const file = await disk.open(`${dir}/a`, 'create', 0o600)
      await file.write([Buffer.from('one'), Buffer.from(''), Buffer.from('two')], 0)
      await file.write([Buffer.from('!')], 10)
      await file.write([], 99)
      const into = Buffer.alloc(20, 7)
      expect(await file.read(into, 0)).toBe(11)
      expect(into.toString('latin1', 0, 11)).toBe('onetwo\0\0\0\0!')
      expect(into[11]).toBe(7)
      expect(await file.read(into, 4)).toBe(7)
      expect(await file.read(into, 11)).toBe(0)
      expect(await file.read(into, 500)).toBe(0)
      await file.close()
    })

    test('large writes and reads in many parts are exact', async () => {
      const parts = Array.from({ length: 300 }, (_, at) => Buffer.alloc(1000 + at, at))
      const file = await disk.open(`${dir}/a`, 'create')
      await file.write(parts, 5)
      const whole = Buffer.concat([Buffer.alloc(5), ...parts])
      const into = Buffer.alloc(whole.length + 10)
      let got = 0
      for (let more = -1; more !== 0; got += more) more = await file.read(into.subarray(got), got)
      expect(got).toBe(whole.length)
      expect(into.subarray(0, got).equals(whole)).toBe(true)
      await file.close()
    })

    test('truncate cuts and extends with zeros', async () => {
      await put(`${dir}/a`, 'abcdef')
      const file = await disk.open(`${dir}/a`, 'edit')
      await file.truncate(3)
      await file.truncate(5)
      expect((await file.stat()).size).toBe(5)
      await file.sync()
      await file.dataSync()
      await file.close()
      expect(await get(`${dir}/a`)).toBe('abc\0\0')
    })

    test('open: create wants nothing there, read and edit want a file', async () => {
      await put(`${dir}/a`, 'x')
      await fails(disk.open(`${dir}/a`, 'create'), 'disk-denied', 'EEXIST')
      await fails(disk.open(`${dir}/none`, 'read'), 'disk-missing', 'ENOENT')
      await fails(disk.open(`${dir}/none`, 'edit'), 'disk-missing', 'ENOENT')
      await fails(disk.open(`${dir}/a/below`, 'read'), 'disk-missing')
      await fails(disk.open(`${dir}/no/where`, 'create'), 'disk-missing', 'ENOENT')
      await disk.makeDir(`${dir}/d`)
      await fails(disk.open(`${dir}/d`, 'read'), 'disk-denied', 'EISDIR')
      await fails(disk.open(`${dir}/d`, 'edit'), 'disk-denied', 'EISDIR')
    })

    test('a second close does nothing; two handles see one file', async () => {
      await put(`${dir}/a`, 'x')
      const one = await disk.open(`${dir}/a`, 'edit')
      const two = await disk.open(`${dir}/a`, 'read')
      await one.write([Buffer.from('yz')], 0)
      const into = Buffer.alloc(4)
      expect(await two.read(into, 0)).toBe(2)
      await one.close()
      await one.close()
      expect(await two.read(into, 0)).toBe(2)
      await two.close()
      await expect(two.read(into, 0)).rejects.toThrow('after its close')
    })

    test('T15: open, chmod, link and list do not follow a final symlink', async () => {
      await put(`${dir}/real`, 'secret', 0o600)
      await disk.makeDir(`${dir}/folder`)
      subject.plantLink(`${dir}/soft`, `${dir}/real`)
      subject.plantLink(`${dir}/hole`, `${dir}/nothing`)
      subject.plantLink(`${dir}/way`, `${dir}/folder`)
      for (const mode of ['read', 'edit'] satisfies OpenMode[])
        await fails(disk.open(`${dir}/soft`, mode), 'disk-denied', 'ELOOP')
      await fails(disk.open(`${dir}/hole`, 'create'), 'disk-denied', 'EEXIST')
      expect(await disk.stat(`${dir}/nothing`)).toBeNull()
      await fails(disk.chmod(`${dir}/soft`, 0o777), 'disk-denied', 'ELOOP')
      expect(await disk.list(`${dir}/way`)).toBeNull()
      await fails(disk.makeDir(`${dir}/way`), 'disk-denied', 'EEXIST')
      await fails(disk.link(`${dir}/soft`, `${dir}/second`), 'disk-denied', 'ELOOP')
      expect((await disk.stat(`${dir}/soft`))?.kind).toBe('link')
      expect(await disk.readLink(`${dir}/soft`)).toBe(`${dir}/real`)
      expect(await disk.unlink(`${dir}/soft`)).toBe(true)
      expect(await get(`${dir}/real`)).toBe('secret')
    })

    test('a symlink above the last part is followed, and by syncDir the last one', async () => {
      await disk.makeDir(`${dir}/folder`)
      subject.plantLink(`${dir}/way`, 'folder')
      await put(`${dir}/way/a`, 'x')
      await disk.syncDir(`${dir}/way`)
      expect(await get(`${dir}/folder/a`)).toBe('x')
      expect(await disk.realPath(`${dir}/way/a`)).toBe(await disk.realPath(`${dir}/folder/a`))
    })

    test('S33: a FIFO or socket is seen as what it is, and opening it is refused without waiting', async () => {
      await subject.plantFifo(`${dir}/fifo`)
      await subject.plantSocket(`${dir}/socket`)
      for (const path of [`${dir}/fifo`, `${dir}/socket`]) {
        expect((await disk.stat(path))?.kind).toBe('other')
        await fails(disk.open(path, 'read'), 'disk-denied', 'ENXIO')
        await fails(disk.open(path, 'edit'), 'disk-denied', 'ENXIO')
      }
      expect((await disk.list(dir))?.map((entry) => entry.kind)).toEqual(['other', 'other'])
      expect(await disk.unlink(`${dir}/fifo`)).toBe(true)
    })

    test('stat: kinds, size, identity, null when nothing is there', async () => {
      await put(`${dir}/a`, 'four', 0o600)
      await disk.makeDir(`${dir}/d`, 0o700)
      const a = await disk.stat(`${dir}/a`)
      expect([a?.kind, a?.size]).toEqual(['file', 4])
      expect((await disk.stat(`${dir}/d`))?.kind).toBe('folder')
      if (!disk.windows) expect([a?.mode, (await disk.stat(`${dir}/d`))?.mode]).toEqual([0o600, 0o700])
      expect(await disk.stat(`${dir}/none`)).toBeNull()
      expect(await disk.stat(`${dir}/none/deeper`)).toBeNull()
      expect(await disk.stat(`${dir}/a/deeper`)).toBeNull()
      const file = await disk.open(`${dir}/a`, 'read')
      expect((await file.stat()).ino).toBe(a?.ino)
      await file.close()
      await disk.rename(`${dir}/a`, `${dir}/b`)
      await put(`${dir}/a`, 'other')
      expect((await disk.stat(`${dir}/b`))?.ino).toBe(a?.ino)
      expect((await disk.stat(`${dir}/a`))?.ino).not.toBe(a?.ino)
    })

    test('stat: the times move when the content does', async () => {
      await put(`${dir}/a`, 'x')
      const before = await disk.stat(`${dir}/a`)
      const file = await disk.open(`${dir}/a`, 'edit')
      for (;;) {
        await file.write([Buffer.from('y')], 0)
        const stat = await file.stat()
        if (stat.mtimeMs !== before?.mtimeMs) {
          expect(stat.mtimeMs).toBeGreaterThan(before?.mtimeMs ?? 0)
          expect(stat.ctimeMs).toBeGreaterThan(before?.ctimeMs ?? 0)
          break
        }
      }
      await file.close()
    })

    test('list: byte order of the names, null when no such folder', async () => {
      const names = ['b', 'a', 'B2', 'ä', 'z', '\u{1f600}', '\uff5e', 'a.b', 'a-b']
      for (const each of names) await put(`${dir}/${each}`, '')
      await disk.makeDir(`${dir}/c`)
      const sorted = [...names, 'c'].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
      expect((await disk.list(dir))?.map((entry) => entry.name)).toEqual(sorted)
      expect((await disk.list(dir))?.find((entry) => entry.name === 'c')?.kind).toBe('folder')
      expect(await disk.list(`${dir}/none`)).toBeNull()
      expect(await disk.list(`${dir}/a`)).toBeNull()
      expect(await disk.list(`${dir}/a/below`)).toBeNull()
      expect(await disk.list(`${dir}/c`)).toEqual([])
    })

    test('makeDir: true when made, false when there, a fault when something else is', async () => {
      expect(await disk.makeDir(`${dir}/d`)).toBe(true)
      expect(await disk.makeDir(`${dir}/d`)).toBe(false)
      await put(`${dir}/a`, '')
      await fails(disk.makeDir(`${dir}/a`), 'disk-denied', 'EEXIST')
      await fails(disk.makeDir(`${dir}/no/where`), 'disk-missing', 'ENOENT')
      await fails(disk.makeDir(`${dir}/a/b`), 'disk-missing')
    })

    test('rename replaces a file, never a folder that is in use', async () => {
      await put(`${dir}/a`, 'new')
      await put(`${dir}/b`, 'old')
      await disk.rename(`${dir}/a`, `${dir}/b`)
      expect(await get(`${dir}/b`)).toBe('new')
      expect(await disk.stat(`${dir}/a`)).toBeNull()
      await fails(disk.rename(`${dir}/none`, `${dir}/b`), 'disk-missing', 'ENOENT')
      await disk.makeDir(`${dir}/d`)
      await put(`${dir}/d/x`, '')
      await fails(disk.rename(`${dir}/b`, `${dir}/d`), 'disk-denied')
      await disk.makeDir(`${dir}/e`)
      await fails(disk.rename(`${dir}/e`, `${dir}/d`), 'disk-denied')
      await fails(disk.rename(`${dir}/d`, `${dir}/d/inside`), 'disk-denied')
      await disk.rename(`${dir}/d`, `${dir}/f`)
      expect(await get(`${dir}/f/x`)).toBe('')
    })

    test('link: a second name for one file, false when the name is taken', async () => {
      await put(`${dir}/a`, 'x')
      await put(`${dir}/c`, 'other')
      expect(await disk.link(`${dir}/a`, `${dir}/b`)).toBe(true)
      expect(await disk.link(`${dir}/a`, `${dir}/c`)).toBe(false)
      expect((await disk.stat(`${dir}/b`))?.ino).toBe((await disk.stat(`${dir}/a`))?.ino)
      await disk.unlink(`${dir}/a`)
      expect(await get(`${dir}/b`)).toBe('x')
      await fails(disk.link(`${dir}/a`, `${dir}/d`), 'disk-missing', 'ENOENT')
      await disk.makeDir(`${dir}/folder`)
      await fails(disk.link(`${dir}/folder`, `${dir}/d`), 'disk-denied')
    })

    test('unlink and removeDir: true when removed, false when there was nothing to remove', async () => {
      await put(`${dir}/a`, '')
      expect(await disk.unlink(`${dir}/a`)).toBe(true)
      expect(await disk.unlink(`${dir}/a`)).toBe(false)
      expect(await disk.unlink(`${dir}/a/b`)).toBe(false)
      await disk.makeDir(`${dir}/d`)
      await fails(disk.unlink(`${dir}/d`), 'disk-denied')
      await put(`${dir}/d/x`, '')
      expect(await disk.removeDir(`${dir}/d`)).toBe(false)
      await disk.unlink(`${dir}/d/x`)
      expect(await disk.removeDir(`${dir}/d`)).toBe(true)
      expect(await disk.removeDir(`${dir}/d`)).toBe(false)
    })

    test('S34: chmod sets the permissions that stat shows', async () => {
      await put(`${dir}/a`, '')
      await disk.chmod(`${dir}/a`, 0o755)
      if (!disk.windows) expect((await disk.stat(`${dir}/a`))?.mode).toBe(0o755)
      await disk.chmod(`${dir}/a`, 0o400)
      expect((await disk.stat(`${dir}/a`))?.mode).toBe(disk.windows ? 0o444 : 0o400)
      await fails(disk.chmod(`${dir}/none`, 0o600), 'disk-missing', 'ENOENT')
    })

    test('permissions bind', async () => {
      if (!subject.obeysModes) return
      await put(`${dir}/a`, '', 0o200)
      await fails(disk.open(`${dir}/a`, 'read'), 'disk-denied', 'EACCES')
      await disk.makeDir(`${dir}/d`, 0o500)
      await fails(disk.open(`${dir}/d/x`, 'create'), 'disk-denied', 'EACCES')
      await disk.makeDir(`${dir}/e`, 0o300)
      await fails(disk.list(`${dir}/e`), 'disk-denied', 'EACCES')
      await disk.makeDir(`${dir}/f`, 0o600)
      await fails(disk.stat(`${dir}/f/x`), 'disk-denied', 'EACCES')
      for (const name of ['d', 'e', 'f']) await disk.chmod(`${dir}/${name}`, 0o700)
    })

    test('syncDir makes no noise on a folder, and refuses what is none', async () => {
      await disk.syncDir(dir)
      if (disk.windows) return
      await put(`${dir}/a`, '')
      await fails(disk.syncDir(`${dir}/a`), 'disk-missing', 'ENOTDIR')
      await fails(disk.syncDir(`${dir}/none`), 'disk-missing', 'ENOENT')
    })

    test('readLink and realPath', async () => {
      await put(`${dir}/a`, '')
      subject.plantLink(`${dir}/rel`, 'a')
      subject.plantLink(`${dir}/lost`, 'none')
      subject.plantLink(`${dir}/loop`, 'loop')
      const root = await disk.realPath(dir)
      expect(await disk.readLink(`${dir}/rel`)).toBe('a')
      expect(await disk.realPath(`${dir}/rel`)).toBe(`${root}/a`)
      expect(await disk.realPath(`${dir}/lost`)).toBeNull()
      expect(await disk.realPath(`${dir}/loop`)).toBeNull()
      expect(await disk.realPath(`${dir}/a/b`)).toBeNull()
      await fails(disk.readLink(`${dir}/a`), 'disk-denied', 'EINVAL')
      await fails(disk.readLink(`${dir}/none`), 'disk-missing', 'ENOENT')
    })

    test('freeBytes is a number of bytes', async () => {
      expect(await disk.freeBytes(dir)).toBeGreaterThan(0)
      await fails(disk.freeBytes(`${dir}/none`), 'disk-missing', 'ENOENT')
    })

    test('a removed file lives on in its handle', async () => {
      if (disk.windows) return
      await put(`${dir}/a`, 'x')
      const file = await disk.open(`${dir}/a`, 'read')
      await disk.unlink(`${dir}/a`)
      expect(await file.read(Buffer.alloc(1), 0)).toBe(1)
      await file.close()
    })

    test('T16: names that fold are one where the disk says so', async () => {
      await put(`${dir}/Name`, 'x')
      const twin = await disk.stat(`${dir}/nAME`)
      expect(twin !== null).toBe(disk.foldsNames)
      if (!disk.foldsNames) return
      await disk.rename(`${dir}/Name`, `${dir}/NAME`)
      expect((await disk.list(dir))?.map((entry) => entry.name)).toEqual(['NAME'])
      expect(await get(`${dir}/name`)).toBe('x')
    })
  })
}
