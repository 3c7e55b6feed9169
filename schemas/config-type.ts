/**
 * What Codex 0.169 refuses to start with: the types of the keys of config.toml that it reads, found by running the
 * binary. Always holds: only what was seen to be refused is declared; a key or a word that it does not know is none of
 * our business, since a newer Codex may know it.
 */

/** The Codex whose behaviour was looked at, here and wherever a file speaks of Codex. */
export const knownCodex = '0.169'

/** `count` is an integer from 0 up, `strings` a list of them, `words` a table of them, `tables` a table of tables. */
export type ConfigType =
  | 'string'
  | 'boolean'
  | 'integer'
  | 'count'
  | 'number'
  | 'strings'
  | 'list'
  | 'table'
  | 'words'
  | 'tables'

const all = (type: ConfigType, keys: string): [string, readonly ConfigType[]][] =>
  keys.split(' ').map((key) => [key, [type]])

/** By key; `*` stands for any name. Of several types one must fit. */
export const configTypes: ReadonlyMap<string, readonly ConfigType[]> = new Map([
  ...all(
    'string',
    'approvals_reviewer chatgpt_base_url cli_auth_credentials_store compact_prompt default_permissions ' +
      'developer_instructions experimental_compact_prompt_file file_opener forced_login_method instructions ' +
      'js_repl_node_path log_dir mcp_oauth_callback_url mcp_oauth_credentials_store model model_catalog_json ' +
      'model_instructions_file model_provider model_reasoning_effort model_reasoning_summary model_verbosity ' +
      'openai_base_url oss_provider personality plan_mode_reasoning_effort review_model sandbox_mode service_tier ' +
      'sqlite_home web_search',
  ),
  ...all(
    'boolean',
    'allow_login_shell check_for_update_on_startup disable_paste_burst hide_agent_reasoning ' +
      'show_raw_agent_reasoning suppress_unstable_features_warning',
  ),
  ...all(
    'count',
    'background_terminal_max_timeout mcp_oauth_callback_port project_doc_max_bytes tool_output_token_limit',
  ),
  ...all('integer', 'model_auto_compact_token_limit model_context_window'),
  ...all('strings', 'notify project_doc_fallback_filenames project_root_markers'),
  ...all(
    'table',
    'agents analytics audio auto_review desktop features feedback history hooks memories notice otel permissions ' +
      'sandbox_workspace_write shell_environment_policy tool_suggest tools tui windows',
  ),
  ...all('tables', 'apps marketplaces mcp_servers model_providers plugins profiles projects hooks.state'),
  ['approval_policy', ['string', 'table']],
  ['forced_chatgpt_workspace_id', ['string', 'strings']],
  ['features.*', ['boolean', 'table']],
  ...all(
    'list',
    'hooks.SessionStart hooks.PreToolUse hooks.PostToolUse hooks.Stop hooks.PermissionRequest hooks.PreModelRequest',
  ),
  ...all('words', 'notice.model_migrations shell_environment_policy.set'),
  ...all('string', 'projects.*.trust_level hooks.state.*.trusted_hash tui.theme history.persistence'),
  ...all('boolean', 'analytics.enabled plugins.*.enabled sandbox_workspace_write.network_access'),

  ...all(
    'string',
    'mcp_servers.*.command mcp_servers.*.cwd mcp_servers.*.url mcp_servers.*.bearer_token_env_var',
  ),
  ...all('strings', 'mcp_servers.*.args mcp_servers.*.enabled_tools mcp_servers.*.disabled_tools'),
  ...all('list', 'mcp_servers.*.env_vars'),
  ...all('words', 'mcp_servers.*.env mcp_servers.*.http_headers mcp_servers.*.env_http_headers'),
  ...all('number', 'mcp_servers.*.startup_timeout_sec mcp_servers.*.tool_timeout_sec'),
  ...all('count', 'mcp_servers.*.startup_timeout_ms'),
  ...all('boolean', 'mcp_servers.*.enabled mcp_servers.*.required'),
  ...all('tables', 'mcp_servers.*.tools'),

  ...all(
    'string',
    'model_providers.*.name model_providers.*.base_url model_providers.*.env_key model_providers.*.wire_api ' +
      'model_providers.*.env_key_instructions model_providers.*.experimental_bearer_token',
  ),
  ...all('boolean', 'model_providers.*.requires_openai_auth model_providers.*.supports_websockets'),
  ...all(
    'count',
    'model_providers.*.request_max_retries model_providers.*.stream_max_retries ' +
      'model_providers.*.stream_idle_timeout_ms model_providers.*.websocket_connect_timeout_ms',
  ),
  ...all(
    'words',
    'model_providers.*.query_params model_providers.*.http_headers model_providers.*.env_http_headers',
  ),
  ...all('table', 'model_providers.*.auth model_providers.*.aws'),
])

/** Keys that a server of one kind may not have: one that is started, and one that is called. */
export const startedOnly: readonly string[] = ['args', 'env', 'env_vars', 'cwd']
export const calledOnly: readonly string[] = [
  'url',
  'bearer_token_env_var',
  'http_headers',
  'env_http_headers',
  'oauth_resource',
]
/** Providers that Codex brings along and lets nobody redefine; one may be adjusted, and needs no name. */
export const builtInProviders: readonly string[] = ['openai', 'ollama', 'lmstudio']
export const adjustableProvider = 'amazon-bedrock'
/** What a provider may not have beside `auth`. */
export const authAlone: readonly string[] = ['env_key', 'experimental_bearer_token', 'requires_openai_auth']
