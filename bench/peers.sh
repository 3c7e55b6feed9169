#!/bin/bash
# Installs the peers that npm has, outside of the project: bench/peers.ts finds them there.
set -euo pipefail
folder="${XDG_CACHE_HOME:-$HOME/.cache}/stemma-bench"
mkdir -p "$folder"
npm install --prefix "$folder" --no-save --no-audit --no-fund hypercore@10
echo "hypercore is in $folder"
