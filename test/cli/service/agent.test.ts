/** Golden LaunchAgents. They have not run: there was no Mac. */
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { agentPlan } from '../../../cli/service/agent.ts'
import { oddService, plainService } from './services.ts'

const list = (
  label: string,
  launcher: string,
  words: string,
  env: string,
  log: string,
): string => `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- Made by \`stemma master install\`; \`stemma master uninstall\` removes it. -->
<plist version="1.0">
<dict>
  <key>Label</key>
  <string>${label}</string>
  <key>ProgramArguments</key>
  <array>
    <string>/bin/sh</string>
    <string>-c</string>
    <string>[ &quot;$(($(wc -c &lt;&quot;$0&quot; || echo 0)))&quot; -le 4194304 ] || { mv -f &quot;$0&quot; &quot;$0.1&quot; &amp;&amp; exec &gt;&gt;&quot;$0&quot; 2&gt;&amp;1; }; exec /bin/sh &quot;$@&quot;</string>
    <string>${log}</string>
    <string>${launcher}</string>
${words}  </array>
${env}  <key>WorkingDirectory</key>
  <string>/Users/u</string>
  <key>RunAtLoad</key>
  <true/>
  <key>KeepAlive</key>
  <dict>
    <key>SuccessfulExit</key>
    <false/>
  </dict>
  <key>ThrottleInterval</key>
  <integer>60</integer>
  <key>Umask</key>
  <integer>63</integer>
  <key>StandardOutPath</key>
  <string>${log}</string>
  <key>StandardErrorPath</key>
  <string>${log}</string>
</dict>
</plist>
`
const words = ['master', 'serve', '--port', '18000'].map((word) => `    <string>${word}</string>\n`).join('')

describe('S54: golden LaunchAgents', () => {
  test('a master in the usual folders', () => {
    const { name, files, traces, start, stop, probe, running, isStoppedFirst } = agentPlan(
      plainService('darwin'),
    )
    expect(name).toBe('stemma-master')
    expect(files[0].path).toBe('/Users/u/Library/LaunchAgents/stemma-master.plist')
    expect(files[0].text).toBe(
      list('stemma-master', '/Users/u/.stemma/service/stemma', words, '', '/Users/u/.stemma/logs/master.log'),
    )
    expect(traces).toEqual(['/Users/u/.stemma/logs/master.log', '/Users/u/.stemma/logs/master.log.1'])
    expect(isStoppedFirst).toBe(true)
    expect([probe, ...stop, ...start].map((step) => step.words.join(' '))).toEqual([
      'launchctl print gui/501',
      'launchctl bootout gui/501/stemma-master',
      'launchctl bootstrap gui/501 /Users/u/Library/LaunchAgents/stemma-master.plist',
    ])
    expect(running?.pattern.test('gui/501/stemma-master = {\n\tactive count = 1\n\tstate = running\n')).toBe(
      true,
    )
    expect(running?.pattern.test('\tstate = not running\n')).toBe(false)
  })

  test('odd paths, with their variables', () => {
    const odd = "it's &quot;100%&quot; $HOME &amp; &lt;b&gt; é \\"
    const env = `  <key>EnvironmentVariables</key>
  <dict>
    <key>STEMMA_HOME</key>
    <string>/${odd}/s</string>
    <key>CODEX_HOME</key>
    <string>/${odd}/c \\</string>
  </dict>
`
    const { name, files } = agentPlan(oddService('darwin'))
    expect(name).toMatch(/^stemma-master-[0-9a-f]{8}$/)
    expect(files[0].text).toBe(
      list(name, `/${odd}/s/service/stemma`, words, env, `/${odd}/s/logs/master.log`),
    )
  })

  test.skipIf(spawnSync('python3', ['--version']).status !== 0)(
    'another reader finds the paths as they were',
    () => {
      const service = oddService('darwin')
      const { stdout, stderr } = spawnSync(
        'python3',
        ['-c', 'import plistlib, json, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))'],
        { input: agentPlan(service).files[0].text, encoding: 'utf8' },
      )
      expect(stderr).toBe('')
      expect(JSON.parse(stdout)).toMatchObject({
        ProgramArguments: [
          '/bin/sh',
          '-c',
          expect.any(String),
          `${service.stemmaHome}/logs/master.log`,
          `${service.stemmaHome}/service/stemma`,
          ...service.words,
        ],
        EnvironmentVariables: { STEMMA_HOME: service.stemmaHome, CODEX_HOME: service.codexHome },
        KeepAlive: { SuccessfulExit: false },
      })
    },
  )
})
