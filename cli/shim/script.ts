/**
 * The text of the shim: a small `codex` to stand before the real one on PATH. Pure.
 * Always holds: it brings the home up to date, silently, then becomes the next `codex` on PATH, with the arguments,
 * standard streams, folder and process that it was started with. It looks for that one at every start, so Codex may
 * be upgraded, moved or removed; without stemma or its Node the pull is left out and nothing else changes.
 *
 * What the user tells Node (NODE_OPTIONS) is for Codex and not for the pull.
 *
 * It never comes back to itself: what carries its mark is passed over, and when a wrapper that it led to looks for
 * `codex` on PATH once more, STEMMA_SHIM says how far the search had come.
 */
import type { Platform } from '../../schemas/shape.ts'
import { nodeVariables, quoteSh, setBatch } from './command.ts'

/** The second line of every shim: by this one knows another, wherever it was copied or linked to. */
export const shimMark = 'stemma shim'
/** What it is called where it is installed. */
export const shimName = (platform: Platform): string => (platform === 'win32' ? 'codex.cmd' : 'codex')

export type Shim = {
  readonly platform: Platform
  /** Node and stemma's main.js, absolute, and the words of the command that pulls within its budget. */
  readonly node: string
  readonly script: string
  readonly args: readonly string[]
}

export const shimScript = (shim: Shim): string =>
  shim.platform === 'win32' ? batchFile(shim) : shellFile(shim)

/** The same without its pull, for `sh -c`: `stemma run` has pulled already. */
export const leadScript = (): string =>
  lead({
    pull: ':',
    missing: 'codex: not found on PATH. Install Codex first.',
  })

const shellFile = ({ node, script, args }: Shim): string => `#!/bin/sh
# ${shimMark}
# Brings this Codex home up to date, then becomes the codex that stands behind this file on PATH.
# Made by \`stemma shim install\`; \`stemma shim uninstall\` removes it.

stemma_node=${quoteSh(node)}
stemma_script=${quoteSh(script)}

${lead({
  pull: `if [ -x "$stemma_node" ] && [ -f "$stemma_script" ]; then
    (
      unset ${nodeVariables.join(' ')}
      exec "$stemma_node" "$stemma_script" ${args.map(quoteSh).join(' ')}
    ) </dev/null >/dev/null 2>&1
  fi`,
  missing:
    'codex: not found on PATH behind the shim of stemma. Install Codex, or run `stemma shim uninstall`.',
})}`

/** Names begin with `stemma_`, so that no variable of the caller changes on its way to Codex. */
const lead = ({ pull, missing }: { readonly pull: string; readonly missing: string }): string => `\
# The first codex on PATH that is no shim, and the one behind $STEMMA_SHIM: where an outer shim has led already.
stemma_first= stemma_next= stemma_passed= stemma_head=
stemma_rest=\${PATH-}:
while [ -n "$stemma_rest" ] && [ -z "$stemma_next" ]; do
  stemma_file=\${stemma_rest%%:*}
  stemma_file=\${stemma_file:-.}/codex
  stemma_rest=\${stemma_rest#*:}
  [ -f "$stemma_file" ] && [ -x "$stemma_file" ] || continue
  stemma_line= stemma_mark=
  if [ -r "$stemma_file" ]; then
    { IFS= read -r stemma_line && [ "$stemma_line" = '#!/bin/sh' ] && IFS= read -r stemma_mark; } <"$stemma_file"
  fi
  [ "$stemma_mark" = '# ${shimMark}' ] && continue
  if [ -n "$stemma_passed" ]; then
    stemma_next=$stemma_file stemma_head=$stemma_line
  elif [ "$stemma_file" = "\${STEMMA_SHIM-}" ]; then
    stemma_passed=1
  fi
  [ -n "$stemma_first" ] || { stemma_first=$stemma_file stemma_head=$stemma_line; }
  [ -n "\${STEMMA_SHIM-}" ] || break
done

if [ -z "$stemma_first" ]; then
  echo '${missing}' >&2
  exit 127
fi

stemma_target=$stemma_first
if [ -n "$stemma_next" ]; then
  # A wrapper came back here to find the real one: the outer shim has pulled already.
  stemma_target=$stemma_next
else
  # A session in a session passes here too, but not this often: then there is only a wrapper, and it leads back.
  [ -z "\${STEMMA_SHIM-}" ] || STEMMA_SHIM_ROUNDS=\${STEMMA_SHIM_ROUNDS-}+
  case \${STEMMA_SHIM_ROUNDS-} in
    ++++++++++++++++*)
      echo "codex: $stemma_target leads back to the shim of stemma, and there is no other codex on PATH." >&2
      exit 127
      ;;
  esac
  [ -z "\${STEMMA_SHIM_ROUNDS-}" ] || export STEMMA_SHIM_ROUNDS
  ${pull}
fi
export STEMMA_SHIM="$stemma_target"

# npm's codex only looks for the native one and starts it, by way of Node: done here, with what it would tell it.
case $stemma_head in
  '#!'*node)
    stemma_root=$(readlink -f "$stemma_target" 2>/dev/null)
    stemma_root=\${stemma_root%/bin/codex.js}
    case $stemma_root in
      */lib/node_modules/@openai/codex)
        stemma_found=
        for stemma_file in "$stemma_root"/node_modules/@openai/codex-*/vendor/*/bin/codex \\
          "\${stemma_root%/codex}"/codex-*/vendor/*/bin/codex; do
          [ -f "$stemma_file" ] && [ -x "$stemma_file" ] || continue
          # Of two it is not known here which one suits this machine.
          [ -z "$stemma_found" ] && stemma_found=$stemma_file || stemma_found=/
        done
        if [ -f "$stemma_found" ]; then
          stemma_target=$stemma_found
          unset CODEX_MANAGED_BY_BUN CODEX_MANAGED_BY_PNPM CODEX_MANAGED_BY_VITE_PLUS
          export CODEX_MANAGED_BY_NPM=1 CODEX_MANAGED_PACKAGE_ROOT="$stemma_root"
        fi
        ;;
    esac
    ;;
esac

exec "$stemma_target" "$@"
`

/** A program of Windows itself, whatever lies on PATH or in the folder. */
const windows = (program: string): string => `"%SystemRoot%\\System32\\${program}.exe"`

const numbered = (args: readonly string[]): Readonly<Record<string, string>> =>
  Object.fromEntries(args.map((word, index) => [`STEMMA_WORD${index}`, word]))

/**
 * cmd.exe cannot become another program: it stays behind Codex and passes on its exit code. \`%*\` is the rest of the
 * line as typed, so quotes stay where they were. `where` and `findstr` are those of Windows, not what lies in the
 * folder that it is started in. `for` gives its command to another cmd.exe, which takes the outer quotes away.
 */
const batchFile = ({ node, script, args }: Shim): string =>
  `@echo off
rem ${shimMark}
rem Brings this Codex home up to date, then starts the codex that stands behind this file on PATH.
rem Made by "stemma shim install"; "stemma shim uninstall" removes it.
setlocal DisableDelayedExpansion
setlocal
${nodeVariables.map((name) => `set "${name}="`).join('\n')}
${setBatch({ STEMMA_NODE: node, STEMMA_SCRIPT: script, ...numbered(args) })}
if exist "%STEMMA_NODE%" if exist "%STEMMA_SCRIPT%" "%STEMMA_NODE%" "%STEMMA_SCRIPT%" ${Object.keys(
    numbered(args),
  )
    .map((name) => `"%${name}%"`)
    .join(' ')} <nul >nul 2>&1
endlocal
for /f "delims=" %%F in ('^"${windows('where')} "$PATH:codex.exe" 2^>nul^"') do (
  set "STEMMA_TARGET=%%F"
  goto found
)
for /f "delims=" %%F in ('^"${windows('where')} "$PATH:codex.cmd" 2^>nul^"') do (
  ${windows('findstr')} /b /l /c:"rem ${shimMark}" "%%F" >nul || (
    set "STEMMA_TARGET=%%F"
    goto found
  )
)
echo codex: not found on PATH behind the shim of stemma. Install Codex, or run "stemma shim uninstall". 1>&2
exit /b 9009
:found
"%STEMMA_TARGET%" %*
exit /b %ERRORLEVEL%
`.replaceAll('\n', '\r\n')
