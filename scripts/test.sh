#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Builds the library and runs its tests.
#   scripts/test.sh              packages, release build, every native test
#   scripts/test.sh --all        the same, then the other checks, each one a script in scripts/parts/
#   scripts/test.sh --part NAME  packages and release build, then this part alone (may be given several times)
# A part ends as passed, failed or skipped (exit code 77, with its reason). The run stops at the first failure,
# always with a table of what ran. A part that would start after minute 75 is skipped, so that CI's 90 minutes hold.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

last_start=$((75 * 60))
hard_stop=$((88 * 60))
quick_parts=(packages build native_tests)
# Cheapest first.
more_parts=(format doc_coverage headers install exchange benchmarks torch tensorflow thread_sanitizer tidy
  address_sanitizer fuzz)

export KERAS_PACKAGE_SETS="build test"
case "${1:-}" in
  "") parts=("${quick_parts[@]}") ;;
  --all)
    KERAS_PACKAGE_SETS="build test all"
    parts=("${quick_parts[@]}" "${more_parts[@]}")
    ;;
  --part)
    KERAS_PACKAGE_SETS="build test all"
    parts=(packages build)
    while [ $# -gt 0 ]; do
      [ "$1" = --part ] && [ -f "scripts/parts/${2:-}.sh" ] ||
        die "'$*' names no part: the parts are ${quick_parts[*]} ${more_parts[*]}."
      parts+=("$2")
      shift 2
    done
    ;;
  *) die "unknown argument '$1': use no argument, --all, or --part NAME." ;;
esac

results=()
failed=""
KERAS_SKIP_REASON=$(mktemp)
export KERAS_SKIP_REASON
trap 'rm -f "$KERAS_SKIP_REASON"' EXIT

record() { results+=("$(printf '%-20s %-8s %5s s  %s' "$1" "$2" "$3" "${4:-}")"); }

for part in "${parts[@]}"; do
  if [ "$SECONDS" -gt "$last_start" ]; then
    say "$part: skipped, because it would start after minute $((last_start / 60))"
    record "$part" skipped 0 "would have started after minute $((last_start / 60))"
    continue
  fi
  say "$part"
  : >"$KERAS_SKIP_REASON"
  begin=$SECONDS
  status=0
  timeout --foreground $((hard_stop - begin)) bash "scripts/parts/$part.sh" || status=$?
  seconds=$((SECONDS - begin))
  case $status in
    0) outcome=passed reason="" ;;
    77) outcome=skipped reason=$(cat "$KERAS_SKIP_REASON") ;;
    124) outcome=failed reason="not finished at minute $((hard_stop / 60))" ;;
    *) outcome=failed reason="" ;;
  esac
  say "$part: $outcome in $seconds s${reason:+ ($reason)}"
  record "$part" "$outcome" "$seconds" "$reason"
  if [ "$outcome" = failed ]; then
    failed=$part
    break
  fi
done

printf '\n%-20s %-8s %7s\n' part result time
printf '%s\n' "${results[@]}"
printf 'total: %d s\n' "$SECONDS"
[ -z "$failed" ] || die "the part '$failed' failed; what it printed stands above the table."
