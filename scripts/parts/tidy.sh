# SPDX-License-Identifier: Apache-2.0
# clang-tidy (.clang-tidy: bugprone, performance, naming) over the library and its backends.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
run-clang-tidy -quiet -p "$release_dir" -j "$(nproc)" "^$keras_root/(src|backends)/" >build/tidy.log 2>build/tidy.err || {
  grep -E 'error:|warning:' build/tidy.log | sort -u | head -n 100
  die "clang-tidy found the above; the whole output is in build/tidy.log."
}
