# SPDX-License-Identifier: Apache-2.0
# Each file reader against mutated files, 30 seconds each, in the sanitizers' build.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
programs=(tests/fuzz/*_fuzz.cpp)
[ -e "${programs[0]}" ] || skip "there is no fuzz program in tests/fuzz/"
[ -f build/asan/build.ninja ] || skip "the sanitizers' build is not there (part address_sanitizer)"
export OMP_NUM_THREADS=1 KERAS_BIND=0 UBSAN_OPTIONS=print_stacktrace=1
for source_file in "${programs[@]}"; do
  name=$(basename "$source_file" .cpp)
  build build/asan "$name"
  corpus=build/asan/corpus/$name
  mkdir -p "$corpus"
  seeds=tests/fuzz/corpus/${name%_fuzz}
  say "$name"
  arguments=("$corpus")
  [ ! -d "$seeds" ] || arguments+=("$seeds")
  "build/asan/bin/$name" -max_total_time="${KERAS_FUZZ_SECONDS:-30}" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
    -verbosity=0 -artifact_prefix=build/asan/ "${arguments[@]}" ||
    die "$name found an input that breaks a reader; it was written to build/asan/."
done
