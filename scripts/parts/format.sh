# SPDX-License-Identifier: Apache-2.0
# Every C++ file stands as clang-format writes it.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
mapfile -t files < <(find include src backends examples benchmarks tools tests -name '*.h' -o -name '*.cpp' 2>/dev/null)
[ ${#files[@]} -gt 1 ] || die "no C++ file was found to check."
report=$(printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 20 clang-format --dry-run -Werror 2>&1) || {
  sed -n 's/^\([^ :]*\):[0-9].*error:.*/  \1/p' <<<"$report" | sort -u
  die "the files named above are not formatted; run clang-format -i on them."
}
say "${#files[@]} files are formatted"
