/** What a master publishes, one after the other: config.toml and a profile, with what its own Codex wrote there. */
import { bom, crlf } from './agreed-homes.ts'

export type Published = { readonly config: string; readonly profile: string }

const team = `# Team config: ask in #codex before you change it
model = "gpt-5.1-codex" # the default of all
model_reasoning_effort = "high"
model_context_window = 272_000
tool_output_token_limit = 0x4000
approval_policy = "on-request"
developer_instructions = """
Speak plainly. \\
    One line is enough.
  # no comment, and [no.header]
"""

[features]
unbounded_connection_retries = false

# Documentation search
[mcp_servers.docs]
command = "npx"
args = ["-y", "@team/docs"] # pinned
startup_timeout_sec = 30.0

[mcp_servers.docs.env]
DOCS_TOKEN = "t0ken"

[mcp_servers.remote]
url = "http://127.0.0.1:1/v1"
http_headers = { "X-Team" = "a", 'X-Quote' = 'it"s' }

[model_providers.gw]
name = "gw"
base_url = "http://127.0.0.1:1/v1"

[tui]
theme = "dark"
notifications = ["agent-turn-complete"]

[[hooks.Stop]]

[[hooks.Stop.hooks]]
type = "command"
command = "/bin/true"

[team]
released = 2026-01-02T03:04:05.678Z
ratio = 30.0
huge = 9_223_372_036_854_775_807
`

/** The same in sections, in inline tables with dotted keys, and with all keys quoted; values change, names come and go. */
export const published: readonly [Published, Published, Published] = [
  {
    config: `${team}
# What follows is the master's own
[projects."/srv/master"]
trust_level = "trusted"

[mcp_servers.docs.tools.search]
approval_mode = "approve"

[notice]
hide_full_access_warning = false
`,
    profile: 'model = "gpt-5.1"\n\n[mcp_servers.lab-docs]\ncommand = "lab-docs"\n',
  },
  {
    config: `${bom}${crlf(`# Team config, second edition
model = "gpt-5.1-codex" # the default of all
model_reasoning_effort = "medium"
model_context_window = 0x4_0000
approval_policy = "on-request"
developer_instructions = '''
Speak "plainly".
[no.header]'''
tui = { theme = "solar", notifications = [ "agent-turn-complete", "approval-requested" ], model_availability_nux = { "gpt-5.1" = 9 } }
projects = { "/srv/master" = { trust_level = "trusted" } }
features.unbounded_connection_retries = false
hooks.state."/srv/master/hooks.json:stop:0:0" = { trusted_hash = "sha256:ff" }
team.released = 2026-02-03 04:05:06Z
team.ratio = 3e1
mcp_servers.docs.command = "npx" # second edition
mcp_servers.docs.args = [
  "-y", # yes
  "@team/docs@2",
]
mcp_servers.docs.startup_timeout_sec = 45.0
mcp_servers.docs.tools.search.approval_mode = "approve"
mcp_servers.search = { command = "search", env = { "K" = "v", 'a.b' = '' } }

[model_providers]
gw = { name = "gw", base_url = "http://127.0.0.1:2/v1" }
`)}`,
    profile: crlf(
      'model = "gpt-5.2" # lab\nmcp_servers = { lab-docs = { command = "lab-docs", args = ["2"] } }\n',
    ),
  },
  {
    config: `"model" = "gpt-5.2-codex"
'model_reasoning_effort' = "medium"
"model_context_window" = 272_000
"approval_policy" = "never"

["tui"]
"theme" = "dark"

[ "mcp_servers" . 'search' ]
"command" = "search"
'args' = [ "a#b", '"', """]""" ]

['mcp_servers'."remote"]
"url" = "http://127.0.0.1:1/v2" # third edition

['team']
"huge" = -9_223_372_036_854_775_808
"released" = 2026-03-04

['notice'.'model_migrations']
'gpt-5.1-codex' = "gpt-5.2-codex"

# the end of the third edition`,
    profile: '"model" = "gpt-5.2"\n',
  },
]
