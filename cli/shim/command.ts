/**
 * Command lines as text: for the shells that Codex and people use. Pure.
 * Always holds: each word arrives as it was, whatever is in it.
 */
import type { Platform } from '../../schemas/shape.ts'

/** Words that no shell looks into, cmd.exe and PowerShell included. */
const plainForm = /^[A-Za-z0-9_@:./\\+-]+$/
const plainPosixForm = /^[A-Za-z0-9_@:./+-]+$/

/** A word for a POSIX shell; fish and csh read it alike. */
export const quoteSh = (word: string): string =>
  plainPosixForm.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`

/** A path for a batch file. It cannot hold a quotation mark: Windows has no such names. One backslash would quote ours. */
export const quoteBatch = (path: string): string =>
  `"${path.replaceAll('%', '%%').replace(/(?<!\\)\\+$/, '$&$&')}"`

/**
 * Lines of a batch file that give variables their values. A file of ours is UTF-8, and cmd.exe reads each line of it in
 * the code page that its console has at that moment: around letters that not every code page has alike it is that of
 * UTF-8, and after them what it was before (Python's `activate.bat` has done so since 3.7). Lines end with CR LF, and
 * every label that is gone to comes later: the search for one begins behind the line that asks for it.
 */
export function setBatch(values: Readonly<Record<string, string>>): string {
  const lines = Object.entries(values).map(([name, value]) => `set ${quoteBatch(`${name}=${value}`)}`)
  if (lines.every((line) => /^[ -~]*$/.test(line))) return lines.join('\n')
  return [
    // `Active code page: 850`, `Aktive Codepage: 850.`
    `for /f "tokens=2 delims=:." %%P in ('${chcp}') do set "STEMMA_PAGE=%%P"`,
    `if defined STEMMA_PAGE ${chcp} 65001 >nul`,
    ...lines,
    `if defined STEMMA_PAGE ${chcp} %STEMMA_PAGE% >nul`,
  ].join('\n')
}
const chcp = '"%SystemRoot%\\System32\\chcp.com"'

/**
 * What tells Node to load or to say more than its script does. It is meant for the user's own programs: stemma's
 * processes start without.
 */
export const nodeVariables = ['NODE_OPTIONS', 'NODE_PATH'] as const

/**
 * The command of stemma's entry in hooks.json. One plain command: Codex gives it to the user's shell, whichever it is.
 * Its first words are those of another shell, which forgets `nodeVariables` and makes way.
 *
 * On Windows that is cmd.exe or PowerShell, which quote in different ways, and Codex may quote once more. So either
 * nothing needs quotes, or PowerShell is given the command encoded, which costs its start (some 200 ms). Variables stay
 * there as they are.
 */
export function hookCommand(of: {
  readonly platform: Platform
  readonly node: string
  readonly script: string
  readonly args: readonly string[]
  /** Nobody waits for it (not on Windows). */
  readonly behind?: boolean
}): string {
  const words = [of.node, of.script, ...of.args]
  const start = of.behind ? '"$0" "$@" </dev/null >/dev/null 2>&1 &' : 'exec "$0" "$@"'
  const shell = ['/bin/sh', '-c', `unset ${nodeVariables.join(' ')}; ${start}`]
  if (of.platform !== 'win32') return [...shell, ...words].map(quoteSh).join(' ')
  if (words.every((word) => plainForm.test(word))) return words.join(' ')
  const quoted = words.map((word) => `'${word.replaceAll("'", "''")}'`).join(' ')
  const encoded = Buffer.from(`& ${quoted}; exit $LASTEXITCODE`, 'utf16le').toString('base64')
  return `powershell.exe -NoLogo -NoProfile -NonInteractive -EncodedCommand ${encoded}`
}
