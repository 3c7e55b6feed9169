# Steps of .ci/run: each is named, timed and limited, and the sum of all tests comes last.

# All steps together; a run that takes longer is given up by whoever waits for it.
deadline_seconds=4800
results="$(mktemp -d)"
current='start'
trap 'status=$?; rm -rf "$results"; if [[ $status -ne 0 ]]; then echo "=== $current: FAILED ($status)"; fi' EXIT

# step SECONDS NAME COMMAND ARG …: a function runs in this shell and limits what it starts, a program is limited here.
step() {
  local began=$SECONDS
  step_seconds="$1" current="$2"
  shift 2
  printf '\n=== %s\n' "$current"
  if [[ "$(type -t "$1")" == function ]]; then "$@"; else limited "$@"; fi
  printf '=== %s: done in %d s\n' "$current" "$((SECONDS - began))"
}

# limited COMMAND ARG …: ends it, and what it started, when the time of the step or of the whole run is over.
limited() {
  local left=$((deadline_seconds - SECONDS))
  timeout --kill-after=20 "$((left < step_seconds ? (left > 1 ? left : 1) : step_seconds))" "$@"
}

# run_tests NAME COMMAND ARG …: vitest, with its own closing lines to be seen and its counts kept.
run_tests() {
  local name="$1"
  shift
  limited "$@" --reporter=default --reporter=json --outputFile.json="$results/$name.json"
}

# The closing line: all runs of the tests together.
report() {
  current='report'
  node -e '
    const { readdirSync, readFileSync } = require("node:fs")
    const folder = process.argv[1]
    const sum = { passed: 0, failed: 0, skipped: 0 }
    for (const name of readdirSync(folder)) {
      const run = JSON.parse(readFileSync(`${folder}/${name}`, "utf8"))
      sum.passed += run.numPassedTests
      sum.failed += run.numFailedTests
      sum.skipped += run.numPendingTests + run.numTodoTests
    }
    console.log(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`)
    process.exit(sum.passed > 0 && sum.failed === 0 ? 0 : 1)
  ' "$results"
}
