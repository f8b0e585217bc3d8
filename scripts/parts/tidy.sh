# SPDX-License-Identifier: Apache-2.0
# clang-tidy (.clang-tidy: bugprone, performance, naming) over every source of the library and its backends.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
# Longest first, so that both cores end together.
mapfile -t files < <(sed -n 's/^ *"file": "\(.*\)",\{0,1\}$/\1/p' "$release_dir/compile_commands.json" |
  while read -r file; do
    case ${file#"$keras_root/"} in src/* | backends/*) printf '%s\n' "$file" ;; esac
  done | xargs -d '\n' ls -S)
[ ${#files[@]} -gt 1 ] || die "the build in $release_dir names no source of the library."
# g++'s own flags and its precompiled header are taken out of the list of commands.
mkdir -p build/tidy
sed -E 's/ -fno-reorder-blocks-and-partition| -fpch-preprocess| -Winvalid-pch| -include [^ ]*cmake_pch\.hxx//g' "$release_dir/compile_commands.json" >build/tidy/compile_commands.json
printf '%s\n' "${files[@]}" |
  xargs -P "$(nproc)" -d '\n' -n 1 clang-tidy -quiet -p build/tidy >build/tidy.log 2>build/tidy.err || {
  grep -hE '(error|warning):' build/tidy.log build/tidy.err | sort -u | head -n 100
  die "clang-tidy found the above; the whole output is in build/tidy.log."
}
say "${#files[@]} files are tidy"
