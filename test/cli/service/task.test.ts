/** Golden Scheduled Tasks. They have not run: there was no Windows. */
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { bytesOf } from '../../../cli/service/file.ts'
import { taskPlan } from '../../../cli/service/task.ts'
import { oddService, plainService } from './services.ts'

const xml = (codexHome: string, script: string): string => `<?xml version="1.0" encoding="UTF-16"?>
<!-- Made by \`stemma master install\`; \`stemma master uninstall\` removes it. -->
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>stemma master: ${codexHome}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>DESK\\u</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>DESK\\u</UserId>
      <LogonType>InteractiveToken</LogonType>
      <RunLevel>LeastPrivilege</RunLevel>
    </Principal>
  </Principals>
  <Settings>
    <MultipleInstancesPolicy>IgnoreNew</MultipleInstancesPolicy>
    <DisallowStartIfOnBatteries>false</DisallowStartIfOnBatteries>
    <StopIfGoingOnBatteries>false</StopIfGoingOnBatteries>
    <AllowHardTerminate>true</AllowHardTerminate>
    <StartWhenAvailable>true</StartWhenAvailable>
    <RunOnlyIfNetworkAvailable>false</RunOnlyIfNetworkAvailable>
    <IdleSettings>
      <StopOnIdleEnd>false</StopOnIdleEnd>
      <RestartOnIdle>false</RestartOnIdle>
    </IdleSettings>
    <AllowStartOnDemand>true</AllowStartOnDemand>
    <Enabled>true</Enabled>
    <Hidden>false</Hidden>
    <RunOnlyIfIdle>false</RunOnlyIfIdle>
    <WakeToRun>false</WakeToRun>
    <ExecutionTimeLimit>PT0S</ExecutionTimeLimit>
    <Priority>7</Priority>
    <RestartOnFailure>
      <Interval>PT1M</Interval>
      <Count>999</Count>
    </RestartOnFailure>
  </Settings>
  <Actions Context="Author">
    <Exec>
      <Command>wscript.exe</Command>
      <Arguments>//B //Nologo &quot;${script}&quot;</Arguments>
      <WorkingDirectory>C:\\Users\\u</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
`
const vbs = (
  env: string,
): string => `' Made by \`stemma master install\`; \`stemma master uninstall\` removes it.
Option Explicit
Dim shell, env, code
Set shell = CreateObject("WScript.Shell")
Set env = shell.Environment("PROCESS")
${env}
env("NODE_OPTIONS") = ""
env("NODE_PATH") = ""
Do
  PutAside env("STEMMA_LOG"), env("STEMMA_LOG") & ".1"
  code = shell.Run("cmd.exe /d /v:on /s /c """"!STEMMA_LAUNCHER!"" master serve --port 18000 >>""!STEMMA_LOG!"" 2>&1""", 0, True)
  If code = 0 Or code = 2 Or code = 4 Or code = 6 Then WScript.Quit code
  WScript.Sleep 10000
Loop

Sub PutAside(log, last)
  Dim files, size
  size = 0
  On Error Resume Next
  Set files = CreateObject("Scripting.FileSystemObject")
  size = files.GetFile(log).Size
  If size > 4194304 Then
    If files.FileExists(last) Then files.DeleteFile last, True
    files.MoveFile log, last
  End If
End Sub
`

describe('S54: golden Scheduled Tasks', () => {
  test('a master in the usual folders', () => {
    const { name, files, traces, start, stop, running, isStoppedFirst } = taskPlan(plainService('win32'))
    const [task, script] = files
    expect(name).toBe('stemma-master-u')
    expect([task.path, script?.path]).toEqual([
      'C:\\Users\\u\\.stemma\\service\\master.xml',
      'C:\\Users\\u\\.stemma\\service\\master.vbs',
    ])
    expect(task.text).toBe(
      xml('C:\\Users\\u\\.codex', 'C:\\Users\\u\\.stemma\\service\\master.vbs').replaceAll('\n', '\r\n'),
    )
    expect(script?.text).toBe(
      vbs(`env("STEMMA_LAUNCHER") = "C:\\Users\\u\\.stemma\\service\\stemma.cmd"
env("STEMMA_LOG") = "C:\\Users\\u\\.stemma\\logs\\master.log"`).replaceAll('\n', '\r\n'),
    )
    expect(traces).toEqual(['', '.1'].map((end) => `C:\\Users\\u\\.stemma\\logs\\master.log${end}`))
    expect(isStoppedFirst).toBe(true)
    expect([...stop, ...start].map((step) => step.words.join(' '))).toEqual([
      'schtasks /end /tn stemma-master-u',
      'schtasks /delete /tn stemma-master-u /f',
      'schtasks /create /tn stemma-master-u /xml C:\\Users\\u\\.stemma\\service\\master.xml /f',
      'schtasks /run /tn stemma-master-u',
    ])
    expect(running).toBe(null)
  })

  test('users whose names are of other letters have tasks of their own', () => {
    const names = ['Jürgen', 'J rgen', 'J-rgen', '王', '李'].map(
      (name) => taskPlan({ ...plainService('win32'), user: `DESK\\${name}` }).name,
    )
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(name).toMatch(/^stemma-master-[A-Za-z0-9-]+$/)
  })

  test('odd paths: variables hold them, and nothing reads them twice', () => {
    const odd = "C:\\it's 100% $HOME & é !x!"
    const { files } = taskPlan(oddService('win32'))
    const [task, script] = files
    const escaped = odd.replace('&', '&amp;')
    expect(task.text).toBe(
      xml(`${escaped}\\c \\`, `${escaped}\\s\\service\\master.vbs`).replaceAll('\n', '\r\n'),
    )
    expect(script?.text).toBe(
      vbs(`env("STEMMA_HOME") = "${odd}\\s"
env("CODEX_HOME") = "${odd}\\c \\"
env("STEMMA_LAUNCHER") = "${odd}\\s\\service\\stemma.cmd"
env("STEMMA_LOG") = "${odd}\\s\\logs\\master.log"`).replaceAll('\n', '\r\n'),
    )
  })

  test.skipIf(spawnSync('python3', ['--version']).status !== 0)(
    'another reader finds the paths as they were',
    () => {
      const service = oddService('win32')
      const [task, script] = taskPlan(service).files
      const { stdout, stderr } = spawnSync(
        'python3',
        [
          '-c',
          'import sys, xml.etree.ElementTree as t; print(*[e.text for e in t.fromstring(sys.stdin.buffer.read()).iter() if e.tag.endswith("Arguments")])',
        ],
        { input: bytesOf(task), encoding: 'utf8', env: { ...process.env, PYTHONIOENCODING: 'utf-8' } },
      )
      expect(stderr).toBe('')
      expect(stdout).toBe(`//B //Nologo "${script?.path}"\n`)
    },
  )
})
