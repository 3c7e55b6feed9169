/** Golden units, and what systemd itself says of them. It runs them in `test/e2e/service.test.ts`. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Service } from '../../../cli/service/service.ts'
import { systemdPlan } from '../../../cli/service/systemd.ts'
import { oddService, plainService } from './services.ts'

const unit = (service: Service) => systemdPlan(service).files[0].text

const restart = `Restart=on-failure
RestartSec=2
RestartSteps=5
RestartMaxDelaySec=60
RestartPreventExitStatus=2 4 6
UMask=0077
NoNewPrivileges=yes
LockPersonality=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
`

describe('S54: golden units', () => {
  test('a master in the usual folders', () => {
    expect(
      unit(plainService('linux')),
    ).toBe(`# Made by \`stemma master install\`; \`stemma master uninstall\` removes it.
[Unit]
Description=stemma master (/home/u/.codex)
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/bin/sh /home/u/.stemma/service/stemma master serve --port 18000
UnsetEnvironment=STEMMA_HOME CODEX_HOME NODE_OPTIONS NODE_PATH
${restart}ProtectSystem=strict
ReadWritePaths="-/home/u/.stemma"

[Install]
WantedBy=default.target
`)
  })

  test('S10: a follower, which has to see the processes of Codex: no namespace', () => {
    expect(
      unit(plainService('linux', 'follower')),
    ).toBe(`# Made by \`stemma follower install\`; \`stemma follower uninstall\` removes it.
[Unit]
Description=stemma follower (/home/u/.codex)
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/bin/sh /home/u/.stemma/service/stemma follower watch
UnsetEnvironment=STEMMA_HOME CODEX_HOME NODE_OPTIONS NODE_PATH
${restart}
[Install]
WantedBy=default.target
`)
  })

  test('odd paths, with their variables; the lock in /tmp', () => {
    const odd = `it's \\"100%%\\" $HOME & <b> é \\\\`
    expect(
      unit(oddService('linux')),
    ).toBe(`# Made by \`stemma master install\`; \`stemma master uninstall\` removes it.
[Unit]
Description=stemma master (/it's "100%%" $HOME & <b> é \\/c \\)
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=/bin/sh "/${odd.replace('$', '$$$$')}/s/service/stemma" master serve --port 18000
Environment="STEMMA_HOME=/${odd}/s"
Environment="CODEX_HOME=/${odd}/c \\\\"
UnsetEnvironment=NODE_OPTIONS NODE_PATH
${restart}ProtectSystem=strict
ReadWritePaths="-/${odd}/s" "-/tmp"

[Install]
WantedBy=default.target
`)
  })

  test('what is done with it', () => {
    const { name, files, traces, folders, probe, start, stop, forget, running } = systemdPlan(
      plainService('linux'),
    )
    expect(name).toBe('stemma-master.service')
    expect(files.map(({ path, mode }) => [path, mode])).toEqual([
      ['/home/u/.config/systemd/user/stemma-master.service', 0o600],
    ])
    expect(traces).toEqual(['/home/u/.config/systemd/user/default.target.wants/stemma-master.service'])
    expect(folders.at(-1)).toBe('/home/u/.config')
    const spell = (steps: readonly { readonly words: readonly string[] }[]) =>
      steps.map(({ words }) => words.join(' '))
    expect(spell([probe, ...start])).toEqual([
      'systemctl --user show --property=Version',
      'systemctl --user daemon-reload',
      'systemctl --user enable --quiet stemma-master.service',
      'systemctl --user restart stemma-master.service',
    ])
    expect(spell([...stop, ...forget])).toEqual([
      'systemctl --user stop stemma-master.service',
      'systemctl --user disable --quiet stemma-master.service',
      'systemctl --user daemon-reload',
      'systemctl --user reset-failed stemma-master.service',
    ])
    const answers = ['active', 'reloading', 'activating', 'inactive', 'failed', 'deactivating']
    expect(answers.filter((one) => running?.pattern.test(`ActiveState=${one}\n`))).toEqual([
      'active',
      'reloading',
    ])
  })

  test('how it is: what systemd says of it', () => {
    const { health } = systemdPlan(plainService('linux'))
    const read = (text: string) => health?.read(text.replaceAll(' ', '\n'))
    expect(health?.step.words.join(' ')).toBe(
      'systemctl --user show --property=ActiveState,SubState,Result,ExecMainStatus,NRestarts,UnitFileState stemma-master.service',
    )
    const sound = { phase: 'running', ended: null, restarts: 0, startsAtLogin: true }
    const rest = 'NRestarts=0 UnitFileState=enabled'
    expect(read(`ActiveState=active SubState=running Result=success ${rest}`)).toEqual(sound)
    expect(read(`ActiveState=activating SubState=start Result=success ${rest}`)).toEqual(sound)
    expect(read(`ActiveState=inactive SubState=dead Result=success ${rest}`)).toEqual({
      ...sound,
      phase: 'stopped',
    })
    expect(read(`ActiveState=failed SubState=failed Result=exit-code ExecMainStatus=2 ${rest}`)).toEqual({
      ...sound,
      phase: 'failed',
      ended: 'status 2',
    })
    const loop = 'ActiveState=activating SubState=auto-restart Result=oom-kill ExecMainStatus=9 NRestarts=7'
    expect(read(`${loop} UnitFileState=disabled`)).toEqual({
      ...{ phase: 'again', ended: 'oom-kill', restarts: 7, startsAtLogin: false },
    })
    expect(read('')).toEqual({ ...sound, restarts: null, startsAtLogin: null })
  })

  test('other folders have a service of their own', () => {
    const names = [
      plainService('linux'),
      oddService('linux'),
      plainService('linux', 'follower'),
      oddService('linux', 'follower'),
    ].map((service) => systemdPlan(service).name)
    expect(new Set(names).size).toBe(4)
    for (const name of names) expect(name).toMatch(/^stemma-(?:master|follower)(?:-[0-9a-f]{8})?\.service$/)
  })
})

const missing = spawnSync('systemd-analyze', ['--version']).status !== 0
if (missing) process.stderr.write('skipped: units judged by systemd: there is no systemd-analyze\n')

describe.skipIf(missing)('systemd-analyze has nothing to say against them', () => {
  test.each([plainService, oddService])('%o', (make) => {
    const folder = mkdtempSync(join(tmpdir(), 'stemma-unit-'))
    try {
      for (const role of ['master', 'follower'] as const) {
        const { name, files } = systemdPlan(make('linux', role))
        const path = join(folder, name)
        mkdirSync(folder, { recursive: true })
        writeFileSync(path, files[0].text)
        const { status, stdout, stderr } = spawnSync(
          'systemd-analyze',
          ['verify', '--user', '--man=no', path],
          {
            encoding: 'utf8',
            env: { ...process.env, HOME: folder, XDG_RUNTIME_DIR: folder, LC_ALL: 'C' },
          },
        )
        // Before systemd 254 nothing knows these; they are passed over there.
        const newer = /Unknown key(?: name)? '(?:RestartSteps|RestartMaxDelaySec)'/
        const said = `${stdout}${stderr}`
          .split('\n')
          .filter((line) => line.includes(name) && !newer.test(line))
        expect([status, said]).toEqual([0, []])
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
})
