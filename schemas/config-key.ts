/**
 * Which keys of config.toml do not travel, and which names in it are reserved as a whole.
 * Always holds: a machine's key is neither published by a master nor taken from one (S30, S43); each has its reason.
 */

/** A path of names; `*` stands for any name, within a name for any letters. */
export type KeyRule = { readonly key: readonly string[]; readonly why: string }

const rule = (key: string, why: string): KeyRule => ({ key: key.split('.'), why })

/** What Codex or this machine wrote, at and below each key. */
export const machineKeys: readonly KeyRule[] = [
  rule('projects', 'trust is given to a folder on one machine'),
  rule('hooks.state', 'a hook is trusted by the path of the file that declares it'),
  rule('mcp_servers.*.tools', 'a tool is approved by the person at one machine'),
  rule('plugins.*.mcp_servers.*.tools', 'a tool is approved by the person at one machine'),
  rule('apps.*.tools', 'a tool is approved by the person at one machine'),
  rule('notice', 'which notices this machine has shown, and what was answered'),
  rule('tui.*nux*', 'how often this machine has shown an introduction'),
  rule('tui.screen_reader_detection_done', 'this machine was looked at'),
  rule('audio', 'names the devices of one machine'),
  rule('desktop', 'the state of the desktop app on one machine'),
  rule('sqlite_home', 'an absolute path'),
  rule('log_dir', 'an absolute path'),
  rule('model_catalog_json', 'an absolute path'),
  rule('js_repl_node_path', 'an absolute path'),
  rule('model_instructions_file', 'a file of one machine, without which Codex does not start'),
  rule('experimental_compact_prompt_file', 'a file of one machine, without which Codex does not start'),
  rule('marketplaces', 'where this machine keeps its copies, and when it fetched them'),
  rule('notify', 'a program of one machine, by its path'),
]

/**
 * Tables that mean something only as a whole: one name, one server, one provider. A local one with the name of a
 * canonical one is another thing and not an edit of it (S45).
 */
export const reservedNames: readonly KeyRule[] = [
  rule('mcp_servers.*', 'a server is started with all of its keys'),
  rule('model_providers.*', 'a provider is reached with all of its keys'),
]

/** Answering the offer of a new model writes these two, until the canonical `model` next changes (S43). */
export const answeredKeys: readonly string[] = ['model', 'model_reasoning_effort']
export const migrationsKey: readonly string[] = ['notice', 'model_migrations']

/** A step into the rules: whether one ends here, and where a name leads on. */
export type RuleNode = { readonly ends: boolean; readonly next: (name: string) => RuleNode | null }

export const machineRules: RuleNode = toNode(machineKeys.map(({ key }) => key))
const reservedRules: RuleNode = toNode(reservedNames.map(({ key }) => key))

export const isMachineKey = (path: readonly string[]): boolean => endsAt(machineRules, path)
export const isReservedName = (path: readonly string[]): boolean => endsAt(reservedRules, path)

function endsAt(rules: RuleNode, path: readonly string[]): boolean {
  let node: RuleNode | null = rules
  for (const name of path) {
    node = node.next(name)
    if (node === null) return false
  }
  return node.ends
}

function toNode(keys: readonly (readonly string[])[]): RuleNode {
  const below = new Map<string, (readonly string[])[]>()
  for (const [first, ...rest] of keys)
    if (first !== undefined) below.set(first, [...(below.get(first) ?? []), rest])
  const exact = new Map<string, RuleNode>()
  const forms: { readonly form: RegExp; readonly node: RuleNode }[] = []
  let any: RuleNode | null = null
  for (const [name, rest] of below) {
    const node = toNode(rest)
    if (name === '*') any = node
    else if (name.includes('*'))
      forms.push({ form: new RegExp(`^${name.replaceAll('*', '.*')}$`, 's'), node })
    else exact.set(name, node)
  }
  const next = (name: string) =>
    exact.get(name) ?? (forms.length > 0 ? forms.find(({ form }) => form.test(name))?.node : null) ?? any
  return { ends: keys.some((key) => key.length === 0), next }
}
