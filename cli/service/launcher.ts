/**
 * The launcher: a `stemma` that stays where it is, whatever a version manager does to Node and npm's folders. Pure.
 * Always holds: it becomes stemma, run by the Node and from the place that were there when the service was installed;
 * where one of them is gone, by what has come in its place; where nothing has, it says in a sentence what is missing.
 */
import { quoteSh, setBatch } from '../shim/command.ts'
import { launcherFile, mark, type Service, type ServiceFile } from './service.ts'

/** What is started, by absolute paths. */
export type Program = { readonly node: string; readonly script: string }

export function launcherPlan(service: Service, program: Program): ServiceFile {
  const text = service.system === 'win32' ? batchText(program) : shellText(program)
  return { path: launcherFile(service), text, encoding: 'utf8', mode: 0o700 }
}

/** As in package.json: what npm would take for new enough. */
const isNewEnough =
  'const [a, b] = process.versions.node.split(".").map(Number); ' +
  'process.exit(a > 23 || (a === 22 && b >= 12) || (a === 20 && b >= 19) ? 0 : 1)'
const needed = 'Node.js 20.19, 22.12, or 24 and later'
/** Where npm puts a global package, from the folder above the one that Node lies in. */
const globalScript = ['lib', 'node_modules', 'stemma', 'dist', 'cli', 'stemma.cjs'].join('/')
const purpose = `${mark} master install\` and \`stemma follower install\`, for their services; uninstalling them removes it.`

/** Where Node lies that no search path names: those of version managers, then those of packages. */
const nodeFolders = `"\${NVM_DIR:-$HOME/.nvm}"/versions/node/*/bin \\
    "\${FNM_DIR:-$HOME/.local/share/fnm}"/node-versions/*/installation/bin \\
    "$HOME"/.fnm/node-versions/*/installation/bin \\
    "$HOME/Library/Application Support/fnm"/node-versions/*/installation/bin \\
    "\${VOLTA_HOME:-$HOME/.volta}"/tools/image/node/*/bin \\
    /usr/local/bin /opt/homebrew/bin /usr/bin`

/** No variable of it is exported, so what stemma starts has the environment that the launcher was given. */
const shellText = ({ node, script }: Program): string => `#!/bin/sh
# ${purpose}
stemma_node=${quoteSh(node)}
stemma_main=${quoteSh(script)}

# stemma_look FOLDER: a place where another Node may lie, with a stemma of its own beside it.
stemma_look() {
  [ -x "$1/node" ] || return 0
  if [ -z "$stemma_node" ] && (
    unset NODE_OPTIONS NODE_PATH
    exec "$1/node" -e '${isNewEnough}'
  ) </dev/null >/dev/null 2>&1; then stemma_node=$1/node; fi
  [ -n "$stemma_main" ] || [ ! -f "\${1%/*}/${globalScript}" ] || stemma_main=\${1%/*}/${globalScript}
}

stemma_was=$stemma_node stemma_from=$stemma_main
[ -x "$stemma_node" ] || stemma_node=
[ -f "$stemma_main" ] || stemma_main=
if [ -z "$stemma_node" ] || [ -z "$stemma_main" ]; then
  [ -z "$stemma_node" ] || stemma_look "\${stemma_node%/*}"
  stemma_rest=\${PATH-}:
  while [ -n "$stemma_rest" ]; do
    stemma_folder=\${stemma_rest%%:*}
    stemma_rest=\${stemma_rest#*:}
    [ -z "$stemma_folder" ] || stemma_look "$stemma_folder"
  done
  for stemma_folder in ${nodeFolders}; do
    stemma_look "$stemma_folder"
  done
fi
if [ -z "$stemma_main" ]; then
  echo "stemma: it is gone from $stemma_from. Install it again, then its service: \\\`stemma master install\\\` or \\\`stemma follower install\\\`." >&2
  exit 1
fi
if [ -z "$stemma_node" ]; then
  echo "stemma: its Node is gone from $stemma_was, and no other was found. Install ${needed}." >&2
  exit 1
fi
exec "$stemma_node" "$stemma_main" "$@"
`

const batchText = ({ node, script }: Program): string =>
  `@echo off
rem ${purpose}
setlocal DisableDelayedExpansion
${setBatch({ STEMMA_NODE: node, STEMMA_MAIN: script })}
if exist "%STEMMA_MAIN%" goto node
set "STEMMA_MAIN=%APPDATA%\\npm\\node_modules\\stemma\\dist\\cli\\stemma.cjs"
if exist "%STEMMA_MAIN%" goto node
echo stemma: it is gone from its place. Install it again, then its service: "stemma master install" or "stemma follower install". 1>&2
exit /b 1
:node
if exist "%STEMMA_NODE%" goto start
for %%F in (node.exe) do set "STEMMA_NODE=%%~$PATH:F"
if exist "%STEMMA_NODE%" goto start
set "STEMMA_NODE=%ProgramFiles%\\nodejs\\node.exe"
if exist "%STEMMA_NODE%" goto start
echo stemma: its Node is gone from its place, and no other was found. Install ${needed}. 1>&2
exit /b 1
:start
"%STEMMA_NODE%" "%STEMMA_MAIN%" %*
exit /b %ERRORLEVEL%
`.replaceAll('\n', '\r\n')
