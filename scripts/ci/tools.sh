# What .ci/run installs. Each function leaves alone what is there already, and ends with a proof that it works.

cache="${XDG_CACHE_HOME:-$HOME/.cache}/stemma-ci"
codex_version=0.169.0
majors=(20 22 24)
other_majors=()
case "$(uname -m)" in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *) arch="$(uname -m)" ;;
esac
as_root=()
if [[ $EUID -ne 0 ]]; then as_root=(sudo -n); fi

# apt_install PACKAGE …
apt_install() {
  if [[ $EUID -ne 0 ]] && ! command -v sudo >/dev/null; then
    echo "Missing: $*. This is not root and there is no sudo; install them first." >&2
    return 1
  fi
  limited "${as_root[@]}" apt-get update -q
  limited "${as_root[@]}" apt-get install -qy --no-install-recommends "$@"
}

# A package is asked for when its command is not there.
install_system_tools() {
  local missing=() pair
  for pair in git=git rsync=rsync openssl=openssl python3=python3 ip=iproute2 tmux=tmux ps=procps zsh=zsh fish=fish \
    systemd-analyze=systemd; do
    command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
  done
  if [[ ${#missing[@]} -gt 0 ]]; then apt_install "${missing[@]}"; else echo 'all there'; fi
}

# npm_into FOLDER PACKAGE: an npm package in a folder of its own, whole or not at all.
npm_into() {
  rm -rf "$1" "$1.part"
  mkdir -p "$1.part"
  limited npm install --prefix "$1.part" --no-save --no-package-lock --ignore-scripts --no-audit --no-fund "$2"
  mv "$1.part" "$1"
}

# npm's `node` package only fetches this one in an install script, and those are off here.
node_of() {
  echo "$cache/node-$1/node_modules/node-linux-$arch/bin/node"
}

install_node() {
  if ! "$(node_of "$1")" --version >/dev/null 2>&1; then npm_into "$cache/node-$1" "node-linux-$arch@$1"; fi
  echo "node $1: $("$(node_of "$1")" --version)"
}

is_node_supported() {
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)'
}

# Node and npm of this machine; where Debian's Node is too old its npm brings a newer one.
install_own_node() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then apt_install nodejs npm; fi
  if ! is_node_supported; then
    install_node 20
    export PATH="${cache}/node-20/node_modules/node-linux-$arch/bin:$PATH"
    hash -r
  fi
  is_node_supported
  echo "node $(node --version), npm $(npm --version)"
}

install_other_nodes() {
  local own major
  own="$(node -p 'process.versions.node.split(".")[0]')"
  for major in "${majors[@]}"; do
    if [[ $major != "$own" ]]; then
      install_node "$major"
      other_majors+=("$major")
    fi
  done
}

# The native binary that the package carries; test/e2e/codex.ts looks in the same place.
install_codex() {
  local folder="$cache/codex-$codex_version"
  if [[ -n ${STEMMA_CODEX:-} ]]; then
    echo "STEMMA_CODEX names one: $("$STEMMA_CODEX" --version)"
    return
  fi
  if ! codex_in "$folder"; then npm_into "$folder" "@openai/codex@$codex_version"; fi
  codex_in "$folder"
}

codex_in() {
  local binary
  for binary in "$1"/node_modules/@openai/codex-*/vendor/*/bin/codex; do
    if [[ -x $binary && "$("$binary" --version)" == "codex-cli $codex_version" ]]; then
      echo "codex $codex_version is there"
      return 0
    fi
  done
  return 1
}
