# SPDX-License-Identifier: Apache-2.0
# Sourced by every script: strict mode, messages, the compiler cache and the calls to CMake and Ninja.
set -euo pipefail
keras_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$keras_root"
release_dir=build/release

# ccache finds the same file again from another checkout only with these.
export CCACHE_BASEDIR=$keras_root CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros

say() { printf '==> %s\n' "$*"; }

die() {
  printf 'Stopped: %s\n' "$*" >&2
  exit 1
}

# Ends a part of the test run as skipped; the reason goes into the summary table.
skip() {
  printf '    skipped: %s\n' "$*"
  [ -z "${KERAS_SKIP_REASON:-}" ] || printf '%s\n' "$*" >"$KERAS_SKIP_REASON"
  exit 77
}

# One compiler a core, but no more than the memory holds (about 1.3 GB each).
job_count() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable:/ {print int($2 / 1300000)}' /proc/meminfo 2>/dev/null || true)
  if [ -n "$memory" ] && [ "$memory" -lt "$cores" ]; then cores=$memory; fi
  [ "$cores" -ge 1 ] || cores=1
  printf '%s\n' "$cores"
}

# configure DIR [cmake arguments]: runs CMake unless DIR was already configured with the same arguments.
configure() {
  local dir=$1
  shift
  if [ -f "$dir/build.ninja" ] && [ "$(cat "$dir/configured_with" 2>/dev/null)" = "$*" ]; then return; fi
  say "configuring $dir"
  rm -f "$dir/configured_with"
  cmake -S . -B "$dir" -G Ninja "$@" || die "CMake could not configure $dir; its message stands above."
  printf '%s\n' "$*" >"$dir/configured_with"
}

# build DIR [targets]: builds everything, or the targets.
build() {
  local dir=$1
  shift
  ninja -C "$dir" -j "$(job_count)" "$@" || die "the build in $dir failed; the compiler's message stands above."
}

# run_ctest DIR LOG [ctest arguments]: runs tests, keeps ctest's output in LOG.
run_ctest() {
  local dir=$1 log=$2
  shift 2
  (cd "$dir" && ctest --output-on-failure --timeout 900 --no-tests=error "$@") 2>&1 | tee "$log"
}

# test_backend NAME: builds the plug-in NAME and runs the test programs on it; then the table of all backends so far.
test_backend() {
  local reports=$keras_root/$release_dir/backend_reports/$1 status=0
  cmake -S . -B "$release_dir" >/dev/null || die "CMake could not configure the $1 backend."
  build "$release_dir"
  rm -rf "$reports"
  GTEST_OUTPUT=xml:$reports/ run_ctest "$release_dir" "$release_dir/$1_tests.log" -L "^$1\$" || status=$?
  backend_table
  return "$status"
}

# Backend by backend, from the reports of the test programs: cases passed, and those skipped with what is missing.
backend_table() {
  local folder cases
  printf '\n%-12s %8s %8s %8s\n' backend passed failed skipped
  for folder in "$release_dir"/test_reports "$release_dir"/backend_reports/*; do
    compgen -G "$folder/*.xml" >/dev/null || continue
    cases=$(grep -hA1 '<testcase ' "$folder"/*.xml)
    printf '%-12s %8s %8s %8s\n' "$(basename "${folder/%test_reports/native}")" \
      "$(grep -c '<testcase .*result="completed".*/>' <<<"$cases" || true)" \
      "$(grep '<testcase .*result="completed"' <<<"$cases" | grep -cv '/>$' || true)" \
      "$(grep -c '<testcase .*result="skipped"' <<<"$cases" || true)"
    [ "$folder" = "$release_dir"/test_reports ] && continue
    sed -n 's/.*<testcase name="\([^"]*\)".*result="skipped".*classname="\([^"]*\)".*/  \2.\1/p
            s/.*<skipped message="[^&"]*&#x0A;\([^"]*\)".*/    \1/p
            s/.*<skipped message="\([^&"]*\)".*/    \1/p' <<<"$cases"
  done
}
