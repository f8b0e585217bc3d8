# SPDX-License-Identifier: Apache-2.0
# Every C++ file stands as clang-format writes it.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
mapfile -t files < <(git ls-files '*.h' '*.cpp')
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 40 clang-format --dry-run -Werror ||
  die "these files are not formatted; run clang-format -i on them."
say "${#files[@]} files are formatted"
