/**
 * Ten homes as they are before they follow: each has trust, approved hooks, approved tools, notices, counters and MCP
 * servers of its own, in a syntax of its own.
 */
export type Home = {
  readonly name: string
  /** Its config.toml. */
  readonly config: string
  /** Its `lab.config.toml`. */
  readonly profile?: string
  /** What has to be in config.toml, byte for byte, for as long as nobody here changes it. */
  readonly mine: readonly string[]
  /** The conflicts that its join reports. */
  readonly conflicts?: readonly string[]
  /** It joins with the hook, whose approval stemma then writes. */
  readonly hook?: true
}

export const crlf = (text: string): string => text.replaceAll('\n', '\r\n')
export const bom = '\ufeff'

export const homes: readonly Home[] = [
  {
    name: 'sections',
    hook: true,
    config: `# My laptop: mine
[projects."/home/me/work"]
trust_level = "trusted" # mine since May

[projects.'C:\\Users\\me\\src']
trust_level = "untrusted"

[hooks.state]

[hooks.state."/home/me/.codex/hooks.json:session_start:0:0"]
trusted_hash = "sha256:0011"

# mine: only on this machine
[mcp_servers.own]
command = '/srv/own' # mine, no npx here
startup_timeout_sec = 5.50

[mcp_servers.own.env]
A = "1"

[mcp_servers.own.tools.run]
approval_mode = "approve"

[notice]
hide_full_access_warning = true

[tui]
screen_reader_detection_done = true

[tui.model_availability_nux]
"gpt-5.1-codex" = 4
`,
    mine: ['startup_timeout_sec = 5.50', `[projects.'C:\\Users\\me\\src']`, '"gpt-5.1-codex" = 4'],
  },
  {
    name: 'inline tables',
    config: `projects = { "/home/me/a b" = { trust_level = "trusted" }, '/x' = {trust_level="untrusted"} } # mine: both
hooks = { state = { "/h/hooks.json:stop:0:0" = { trusted_hash = "sha256:22", enabled = false } } }
notice = { hide_rate_limit_model_nudge = true, model_migrations = { "gpt-5" = "gpt-5.1" } }
tui = { model_availability_nux = { "gpt-5.1" = 2 }, screen_reader_detection_done = true }
# mine: two in one
mcp_servers = { own = { command = "x", startup_timeout_sec = 30.0, tools = { run = { approval_mode = "approve" } } }, web = { url = "http://127.0.0.1:1/mcp", http_headers = { "X-A" = "}" } } }
`,
    mine: ['startup_timeout_sec = 30.0'],
  },
  {
    name: 'dotted keys',
    config: `projects."/home/me/dotted".trust_level = "trusted"
hooks.state."/h/hooks.json:session_end:0:1".trusted_hash = "sha256:33" # mine
notice.hide_gpt5_1_migration_prompt = true
tui.screen_reader_detection_done = true
tui.model_availability_nux."gpt-5.1" = 0x7
tui.vim_mode_default = true # mine too
mcp_servers.own.command = "own"
mcp_servers.own.args = [ # mine: in order
  "-a", # mine: first
  "]", "#",
]
mcp_servers.own.env.HOME_OF = '/srv'
mcp_servers.own.tools.run.approval_mode = "prompt"
model_providers.mine.name = "mine"
model_providers.mine.base_url = "http://127.0.0.1:1/v1"
`,
    mine: ['  "-a", # mine: first\n  "]", "#",\n]', '= 0x7', `= '/srv'`],
  },
  {
    name: 'quoted keys',
    config: `["projects".'/home/me/"q"']
"trust_level" = 'trusted'

[ "hooks" . 'state' . "/h/hooks.json:stop:1:0" ]
'trusted_hash' = "sha256:44"

["mcp_servers"."o\\u0077n"]
"command" = "own\\t\\"q\\""
'env' = { 'A.B' = "dot", "" = 'empty', "\\u00fc" = "ü" }

['mcp_servers'."own"."tools".'run.now']
"approval_mode" = "approve"

["notice"]
"hide_world_writable_warning" = true

['tui'.'model_availability_nux']
'gpt-5.1' = 1 # mine: once
`,
    mine: [`["projects".'/home/me/"q"']`, `{ 'A.B' = "dot", "" = 'empty', "\\u00fc" = "ü" }`],
  },
  {
    name: 'arrays of tables',
    config: `[[hooks.SessionStart]]
matcher = "startup" # mine: not on resume

[[hooks.SessionStart.hooks]]
type = "command"
command = "/bin/true mine"

[[hooks.SessionStart.hooks]]
type = "command"
command = "/bin/true mine too"

[hooks.state."/h/config.toml:session_start:0:0"]
trusted_hash = "sha256:55"

[projects."/home/me/arrays"]
trust_level = "trusted"

[[laptop.disk]]
name = "a" # mine: the fast one

[laptop.disk.of]
size = 1

[[laptop.disk]]
name = "b"

[mcp_servers.own]
command = "own"
[mcp_servers.own.tools]
run = { approval_mode = "approve" }

[notice]
hide_full_access_warning = true

[tui]
model_availability_nux = { "gpt-5.1" = 3 }
`,
    mine: [
      'name = "a" # mine: the fast one\n',
      '[[laptop.disk]]\nname = "b"\n',
      'command = "/bin/true mine too"',
    ],
  },
  {
    name: 'multi-line strings',
    config: `compact_prompt = """
Mine: "quoted", and ""two"".
  # no comment
[no.header]
\\u00fc \\
   joined"""
review_model = '''
it's "raw" \\u00fc'''

[projects.'/home/me/multi']
trust_level = """trusted"""

[hooks.state."/h/hooks.json:stop:2:0"]
trusted_hash = '''sha256:66'''

[mcp_servers.own]
command = "sh"
args = ["-c", '''
# mine: a script
[x] && echo "a = 1"
''']
[mcp_servers.own.tools.run]
approval_mode = "approve"

[notice]
hide_full_access_warning = true
[tui.model_availability_nux]
"gpt-5.1" = 1
`,
    mine: ['joined"""', '# mine: a script\n[x] && echo "a = 1"\n', `'''sha256:66'''`],
  },
  {
    name: 'CRLF and comments',
    hook: true,
    config: crlf(`# mine: read this first
# mine: all of it

# mine, alone

[projects."/home/me/crlf"] # mine: a header's
trust_level = "trusted"

# mine: above approvals
[hooks.state."/h/hooks.json:stop:0:1"]
trusted_hash = "sha256:77"
[mcp_servers.own] # mine: the server
command = "own"
# mine: between
args = ["a"]

[mcp_servers.own.tools.run]
approval_mode = "approve"

[notice]
hide_full_access_warning = true

[tui.model_availability_nux]
"gpt-5.1" = 1

# mine: the end
`),
    mine: ['# mine: read this first', '# mine, alone', '# mine: between', '# mine: the end'],
  },
  {
    name: 'byte-order mark, no last line end',
    config: `${bom}show_raw_agent_reasoning = true
[mcp_servers]
own = { command = "own", tools.run.approval_mode = "approve" }
"o t h e r" = { url = "http://127.0.0.1:1/mcp", enabled = false }
[notice.model_migrations]
"gpt-4" = "gpt-5"
[hooks]
state."/h/hooks.json:stop:0:2" = { trusted_hash = "sha256:88" }
[tui]
model_availability_nux."gpt-5.1" = 1
[projects]
'/home/me/bom' = { trust_level = "trusted" } # mine`,
    mine: [`"o t h e r" = { url = "http://127.0.0.1:1/mcp", enabled = false }`],
  },
  {
    name: 'dates, big integers and floats',
    config: `model_auto_compact_token_limit = 9_007_199_254_740_993
log_dir = "/var/log/codex"
notify = ["/home/me/bin/ding", "-v"]

[laptop]
bought = 1979-05-27 07:32:00.5-07:00
day = 1979-05-27
hour = 07:32:00
local = 1979-05-27T07:32:00
huge = 9_223_372_036_854_775_807
least = -9223372036854775808
mask = 0xDEAD_beef
modes = [0o755, 0b1010, +99]
float = 30.0
floats = [1e3, -0.0, 6.02e23, 3.14_15, nan]

[marketplaces.team]
source = "/home/me/market"
last_updated = 2026-01-02T03:04:05.123456Z # mine

[projects."/home/me/numbers"]
trust_level = "trusted"
[hooks.state."/h/hooks.json:stop:0:3"]
trusted_hash = "sha256:99"
[mcp_servers.own]
command = "own"
startup_timeout_sec = 1_0.50
tool_timeout_sec = 60
[mcp_servers.own.tools.run]
approval_mode = "approve"
[notice]
hide_full_access_warning = true
[tui.model_availability_nux]
"gpt-5.1" = 0b11
`,
    mine: [
      '= 9_007_199_254_740_993',
      '05.123456Z # mine',
      '= 1_0.50',
      'floats = [1e3, -0.0, 6.02e23, 3.14_15, nan]',
    ],
  },
  {
    name: 'names that the master has too, and a profile',
    config: `model = "gpt-5.1-codex" # mine, and canonical
approval_policy = "never" # mine: I know what I do

[projects."/home/me/names"]
trust_level = "trusted"

[hooks.state."/h/hooks.json:stop:0:4"]
trusted_hash = "sha256:aa"

# mine: another one
[mcp_servers.docs]
url = "http://127.0.0.1:1/docs"

[mcp_servers.docs.tools.search]
approval_mode = "approve"

[mcp_servers.own]
command = "own"

[notice]
hide_full_access_warning = true

[tui]
theme = "light" # mine: paper
model_availability_nux = { "gpt-5.1" = 1 }
`,
    profile: `# mine: the lab
sandbox_mode = "read-only"
projects."/lab".trust_level = "trusted"

[mcp_servers.lab]
command = "lab"
[mcp_servers.lab.tools.run]
approval_mode = "approve"
`,
    mine: ['url = "http://127.0.0.1:1/docs"', '"light"'],
    conflicts: ['approval_policy', 'mcp_servers.docs', 'tui.theme'],
  },
]
