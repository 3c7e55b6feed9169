/**
 * Ten config files as they are found on real machines, with trust, hook approvals, tool approvals and own servers.
 * Each has the canonical text and what Codex and its user made of it on a follower, `mine` being what must survive.
 */
export type Fixture = {
  readonly name: string
  readonly canonical: string
  readonly local: string
  readonly mine: readonly string[]
}

const base = `# Team config: ask in #codex before you change it
model = "gpt-5.1-codex" # the default of all
model_reasoning_effort = "high"
model_context_window = 272_000
approval_policy = "on-request"

[features]
hooks = true
unbounded_connection_retries = false

# Documentation search
[mcp_servers.docs]
command = "npx"
args = ["-y", "@team/docs"]
startup_timeout_sec = 30.0

[mcp_servers.docs.env]
DOCS_TOKEN = "t0ken"

[tui]
theme = "dark"
`
const trust = `
[projects."/home/me/work"]
trust_level = "trusted"
`

export const fixtures: readonly Fixture[] = [
  {
    name: 'trusted projects',
    canonical: base,
    local: `${base}${trust}
[projects.'C:\\Users\\me\\src']
trust_level = "untrusted" # not mine
`,
    mine: [
      '[projects."/home/me/work"]',
      `[projects.'C:\\Users\\me\\src']`,
      'trust_level = "untrusted" # not mine',
    ],
  },
  {
    name: 'approved hooks',
    canonical: base,
    local: `${base}
[hooks.state]

[hooks.state."/home/me/.codex/hooks.json:session_start:0:0"]
trusted_hash = "sha256:0011"
`,
    mine: ['trusted_hash = "sha256:0011"'],
  },
  {
    name: 'approved tools of a canonical server',
    canonical: base,
    local: base.replace(
      '\n[tui]',
      `
[mcp_servers.docs.tools.search]
approval_mode = "approve"

[tui]`,
    ),
    mine: ['[mcp_servers.docs.tools.search]', 'approval_mode = "approve"'],
  },
  {
    name: 'an own server',
    canonical: base,
    local: `${base}
# Only on this machine
[mcp_servers.own]
command = '/srv/own' # no npx here
startup_timeout_sec = 5.50

[mcp_servers.own.env]
A = "1"
`,
    mine: [
      '# Only on this machine',
      `command = '/srv/own' # no npx here`,
      'startup_timeout_sec = 5.50',
      '[mcp_servers.own.env]',
    ],
  },
  {
    name: 'counters of the TUI in the canonical table',
    canonical: base,
    local: base.replace(
      'theme = "dark"\n',
      `theme = "dark"
screen_reader_detection_done = true

[tui.model_availability_nux]
"gpt-5.1-codex" = 4
`,
    ),
    mine: ['screen_reader_detection_done = true', '"gpt-5.1-codex" = 4'],
  },
  {
    name: 'a model migration that was accepted',
    canonical: base,
    local: `${base.replace('"gpt-5.1-codex"', '"gpt-5.2"').replace('"high"', '"medium"')}
[notice.model_migrations]
"gpt-5.1-codex" = "gpt-5.2"
`,
    mine: ['model = "gpt-5.2" # the default of all', 'model_reasoning_effort = "medium"'],
  },
  {
    name: 'CRLF',
    canonical: base.replaceAll('\n', '\r\n'),
    local: `${base}${trust}`.replaceAll('\n', '\r\n'),
    mine: ['[projects."/home/me/work"]\r\ntrust_level = "trusted"\r\n'],
  },
  {
    name: 'inline and dotted',
    canonical: `${base.slice(0, base.indexOf('[tui]'))}\n[tui]\n`,
    local: `projects."/x".trust_level = "trusted"\n${base.slice(0, base.indexOf('[tui]'))}
[tui]
model_availability_nux = { "gpt-5" = 1 }
`,
    mine: ['trust_level = "trusted"', 'model_availability_nux = { "gpt-5" = 1 }'],
  },
  {
    name: 'paths and devices of the machine',
    canonical: base,
    local: `log_dir = "/var/log/codex"
notify = ["/home/me/bin/ding"]
${base}
[audio]
microphone = "USB"

[marketplaces.team]
source = "/home/me/market"
last_updated = 2026-01-02T03:04:05Z
`,
    mine: [
      'log_dir = "/var/log/codex"',
      'notify = ["/home/me/bin/ding"]',
      'last_updated = 2026-01-02T03:04:05Z',
    ],
  },
  {
    name: 'everything, with notes',
    canonical: `${base}\n# the end\n`,
    local: `# this is my laptop

${base.replace('approval_policy', '# I would rather not be asked\napproval_policy')}${trust}
# kept from the old machine
[mcp_servers.old]
url = "https://old.example/mcp"
http_headers = { "X-Key" = "k" }

[notice]
hide_rate_limit_model_nudge = true

# the end
`,
    mine: [
      '# this is my laptop',
      '# I would rather not be asked',
      '# kept from the old machine',
      'http_headers = { "X-Key" = "k" }',
      'hide_rate_limit_model_nudge = true',
    ],
  },
]
