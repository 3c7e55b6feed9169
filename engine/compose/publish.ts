/**
 * What a master publishes of a secret file: never what belongs to one machine, never a refresh token (S29, S43, A5).
 * Always holds: everything else keeps its bytes; a file that cannot be read as what it is, is not published.
 */
import { isRefusal, type Refusal, refuse } from '../../schemas/fault.ts'
import { foldName, type HomePath } from '../../schemas/path.ts'
import type { Platform } from '../../schemas/shape.ts'
import type { PlainSecret } from '../canon/scan.ts'
import { emptyRefresh } from '../codex/auth.ts'
import { canonicalOf } from '../merge/canonical.ts'
import { judgeConfig } from '../merge/judge.ts'
import { approvedHooks, withApproved } from './approved.ts'
import { publishedHooks } from './hooks.ts'
import { configPath, hooksPath, isConfig, textOf } from './kind.ts'

export function publishable(path: HomePath, plain: Buffer): Buffer | Refusal {
  if (!isConfig(path) && path !== hooksPath && !isLogin(path)) return plain
  const text = textOf(plain)
  if (text === null) return refuse('bad-config', 'it is not UTF-8 text')
  const published = transform(path, text)
  return isRefusal(published) ? published : Buffer.from(published)
}

/**
 * All of them in the form in which they travel, and why some have none. hooks.json goes with the approvals that
 * config.toml has for it.
 * @param hooksFile hooks.json of this home, as Codex names it.
 */
export function publishables(
  found: readonly PlainSecret[],
  hooksFile: string,
  platform: Platform,
): {
  readonly secrets: readonly PlainSecret[]
  readonly refused: readonly { readonly path: HomePath; readonly refusal: Refusal }[]
} {
  const secrets: PlainSecret[] = []
  const refused: { path: HomePath; refusal: Refusal }[] = []
  for (const secret of found) {
    const plain = publishable(secret.path, secret.plain)
    if (isRefusal(plain)) refused.push({ path: secret.path, refusal: plain })
    else if (secret.path !== hooksPath) secrets.push({ ...secret, plain })
    else secrets.push({ ...secret, plain: withApprovals(plain, found, hooksFile, platform) })
  }
  return { secrets, refused }
}

function withApprovals(
  plain: Buffer,
  found: readonly PlainSecret[],
  hooksFile: string,
  platform: Platform,
): Buffer {
  const textAt = (path: HomePath) => {
    const secret = found.find((one) => one.path === path)
    return (secret && textOf(secret.plain)) ?? ''
  }
  const approved = approvedHooks(hooksFile, textAt(hooksPath), textAt(configPath), platform)
  return Buffer.from(withApproved(plain.toString(), approved))
}

function transform(path: HomePath, text: string): string | Refusal {
  if (isConfig(path)) {
    const canonical = canonicalOf(text)
    if (isRefusal(canonical)) return canonical
    // Followers would not install it, whatever else is new in it.
    const trouble = judgeConfig(canonical.text)
    return trouble === null ? canonical.text : refuse('bad-config', trouble)
  }
  if (path === hooksPath) return publishedHooks(text)
  return emptyRefresh(text) ?? refuse('bad-config', 'it is not a login that Codex could read')
}

/** Codex's own login, and those that it keeps for MCP servers. */
const isLogin = (path: string): boolean =>
  ['auth.json', '.credentials.json'].includes(foldName(path.slice(path.lastIndexOf('/') + 1)))
