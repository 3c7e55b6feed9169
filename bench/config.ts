/**
 * A config.toml of a few hundred lines, as a team has it: models, servers with their environments, providers,
 * profiles, skills, and the comments that people write. And what a follower's machine and user made of it.
 * Always holds: the same number of lines gives the same texts, and every text is one that Codex would start with.
 */

export type ConfigCase = {
  /** What was merged last, and what is to be merged now: some statements of it changed. */
  readonly before: string
  readonly after: string
  /** What lies on the follower: the former, with what Codex and its user wrote there. */
  readonly local: string
}

/** @param lines about so many of canonical text. */
export function makeConfig(lines: number): ConfigCase {
  const before = canonicalText(lines, 'gpt-5.1-codex', '1.4.0')
  const after = canonicalText(lines, 'gpt-5.2-codex', '1.5.0')
  return { before, after, local: localText(before) }
}

function canonicalText(lines: number, model: string, version: string): string {
  const parts = [opening(model)]
  let count = parts.join('\n').split('\n').length
  for (let n = 0; count <= lines; n++) {
    const part = partOf(n, version)
    parts.push(part)
    count += part.split('\n').length
  }
  return parts.join('\n')
}

const opening = (model: string): string => `\
# Config of the whole team: ask in #codex before you change it.
model = "${model}" # the default of all
model_reasoning_effort = "high"
model_context_window = 272_000
approval_policy = "on-request"
sandbox_mode = "workspace-write"
project_doc_fallback_filenames = ["AGENTS.md", "CLAUDE.md"]

[features]
hooks = true
multi_agent = false

[sandbox_workspace_write]
network_access = false
writable_roots = ['/tmp', "/var/tmp"]

[tui]
theme = "dark"
notifications = true

[shell_environment_policy]
inherit = "core"
set = { LANG = "C.UTF-8", PAGER = "cat" }
`

/** Three servers that are started and one that is called, then a provider, a skill. */
function partOf(n: number, version: string): string {
  switch (n % 6) {
    case 3:
      return `\
[mcp_servers.remote-${n}]
url = "https://mcp-${n}.example.com/v1/mcp"
bearer_token_env_var = "REMOTE_${n}_TOKEN"
http_headers = { "X-Team" = "platform", "X-Region" = 'eu-${n}' }
tool_timeout_sec = 45.5
`
    case 4:
      return `\
# Gateway ${n}: only inside the network.
[model_providers.gateway-${n}]
name = "Gateway ${n}"
base_url = "https://gateway-${n}.example.com/v1"
wire_api = "responses"
request_max_retries = 4
query_params = { api-version = "2025-04-01" }
`
    case 5:
      return `\
[[skills.config]]
path = "/srv/team/skills/skill-${n}"
enabled = ${n % 4 === 1}
`
    default:
      return `\
# Documentation and search, number ${n}.
[mcp_servers.search-${n}]
command = "npx"
args = ["-y", "@team/search-${n}@${n % 12 === 0 ? version : '1.4.0'}", "--index", "docs"]
startup_timeout_sec = 30.0 # the index is read first
enabled_tools = [
  "search", # the one that everybody needs
  "open",
]

[mcp_servers.search-${n}.env]
SEARCH_INDEX = "index-${n}"
SEARCH_TOKEN = "t0ken-${n}-0123456789abcdef"
`
  }
}

/** Approvals, trust and notices that Codex wrote; a comment, a server and an edit of the user's own. */
function localText(canonical: string): string {
  const tools = [0, 1, 2].map(
    (n) => `\
[mcp_servers.search-${n}.tools.search]
approval_mode = "approve"
`,
  )
  const projects = Array.from(
    { length: 20 },
    (_, n) => `\
[projects."/home/me/work/project-${n}"]
trust_level = "trusted"
`,
  )
  return [
    canonical.replace('[tui]', '# I like it dark.\n[tui]'),
    ...tools,
    `\
# Mine: notes.
[mcp_servers.notes]
command = "/home/me/bin/notes"
args = ["--quiet"]
`,
    ...projects,
    `\
[hooks.state."/home/me/.codex/hooks.json:session_start:0:0"]
trusted_hash = "sha256:${'0123456789abcdef'.repeat(4)}"

[notice]
hide_full_access_warning = true
`,
  ].join('\n')
}
