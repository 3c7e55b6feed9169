/**
 * The Scheduled Task of a service, for Windows. Pure.
 * Always holds: each path and word arrives as it is; it runs as its user, with that user's own rights, and no window.
 *
 * A task that starts a program of the console shows a window, so it starts a script of the Windows Script Host, which
 * waits for stemma and starts it again: what the task itself takes for a failure does not include an exit code.
 */
import { exitCodes } from '../../schemas/code.ts'
import { serviceLogBytesMax } from '../../schemas/limits-cli.ts'
import {
  envOf,
  joinIn,
  lastLogFile,
  launcherFile,
  logFile,
  markOf,
  nameOf,
  type Plan,
  type Service,
} from './service.ts'
import { escapeXml } from './xml.ts'

export function taskPlan(service: Service): Plan {
  const name = nameOf(service)
  const path = joinIn(service.stemmaHome, 'service', `${service.role}.xml`)
  const script = joinIn(service.stemmaHome, 'service', `${service.role}.vbs`)
  return {
    name,
    files: [
      { path, text: taskText(service, script), encoding: 'utf16le', mode: 0o600 },
      { path: script, text: scriptText(service), encoding: 'utf16le', mode: 0o600 },
    ],
    traces: [logFile(service), lastLogFile(service)],
    folders: [joinIn(service.stemmaHome, 'logs')],
    probe: { words: ['schtasks', '/?'] },
    isStoppedFirst: true,
    start: [
      { words: ['schtasks', '/create', '/tn', name, '/xml', path, '/f'] },
      { words: ['schtasks', '/run', '/tn', name] },
    ],
    stop: [
      { words: ['schtasks', '/end', '/tn', name], mayFail: true },
      { words: ['schtasks', '/delete', '/tn', name, '/f'], mayFail: true },
    ],
    forget: [],
    running: null,
    health: null,
    again: { words: ['schtasks', '/run', '/tn', name] },
    optionLine: /^ {2}code = shell\.Run\(/,
    logs: logFile(service),
  }
}

function taskText(service: Service, script: string): string {
  const user = escapeXml(service.user)
  return lines(`<?xml version="1.0" encoding="UTF-16"?>
<!-- ${markOf(service.role)} -->
<Task version="1.2" xmlns="http://schemas.microsoft.com/windows/2004/02/mit/task">
  <RegistrationInfo>
    <Description>stemma ${service.role}: ${escapeXml(service.codexHome)}</Description>
  </RegistrationInfo>
  <Triggers>
    <LogonTrigger>
      <Enabled>true</Enabled>
      <UserId>${user}</UserId>
    </LogonTrigger>
  </Triggers>
  <Principals>
    <Principal id="Author">
      <UserId>${user}</UserId>
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
      <Arguments>//B //Nologo &quot;${escapeXml(script)}&quot;</Arguments>
      <WorkingDirectory>${escapeXml(service.homeDir)}</WorkingDirectory>
    </Exec>
  </Actions>
</Task>
`)
}

/** How long the script waits before it starts stemma again. */
const againMs = 10_000
const ended = [exitCodes.done, exitCodes.usage, exitCodes.trust, exitCodes.damaged]

/**
 * What `Run` is given holds no percent sign, which it would take for a variable: paths are in variables of this process,
 * and cmd.exe puts them in (`!NAME!`) when it has read its line already. The log is put aside while no stemma of this script
 * has it open; where that fails, stemma is started all the same.
 */
function scriptText(service: Service): string {
  const { role, words } = service
  const set = { ...envOf(service), STEMMA_LAUNCHER: launcherFile(service), STEMMA_LOG: logFile(service) }
  const plain = words.map((word) => (/^[\w@:./+-]+$/.test(word) ? word : `"${word}"`)).join(' ')
  const command = `cmd.exe /d /v:on /s /c ""!STEMMA_LAUNCHER!" ${plain} >>"!STEMMA_LOG!" 2>&1"`
  return lines(`' ${markOf(role)}
Option Explicit
Dim shell, env, code
Set shell = CreateObject("WScript.Shell")
Set env = shell.Environment("PROCESS")
${Object.entries(set)
  .map(([name, path]) => `env(${literal(name)}) = ${literal(path)}`)
  .join('\n')}
env("NODE_OPTIONS") = ""
env("NODE_PATH") = ""
Do
  PutAside env("STEMMA_LOG"), env("STEMMA_LOG") & ".1"
  code = shell.Run(${literal(command)}, 0, True)
  If ${ended.map((code) => `code = ${code}`).join(' Or ')} Then WScript.Quit code
  WScript.Sleep ${againMs}
Loop

Sub PutAside(log, last)
  Dim files, size
  size = 0
  On Error Resume Next
  Set files = CreateObject("Scripting.FileSystemObject")
  size = files.GetFile(log).Size
  If size > ${serviceLogBytesMax} Then
    If files.FileExists(last) Then files.DeleteFile last, True
    files.MoveFile log, last
  End If
End Sub
`)
}

/** A text of VBScript, which knows no other escape. */
const literal = (text: string): string => `"${text.replaceAll('"', '""')}"`
const lines = (text: string): string => text.replaceAll('\n', '\r\n')
