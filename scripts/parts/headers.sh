# SPDX-License-Identifier: Apache-2.0
# Every public header compiles on its own with clang, and the backend interface also as C.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
mapfile -t headers < <(find include -name '*.h')
[ ${#headers[@]} -gt 1 ] || die "no public header was found to check."
printf '%s\n' "${headers[@]}" |
  xargs -P "$(nproc)" -n 1 clang++ -std=c++20 -Iinclude -fsyntax-only -Wall -Wextra -Wno-pragma-once-outside-header -x c++ ||
  die "the headers named above do not compile on their own."
interface=include/keras/runtime/backend_api.h
[ ! -f "$interface" ] || clang -std=c11 -Iinclude -fsyntax-only -Wall -Wextra -Wno-pragma-once-outside-header -x c "$interface" ||
  die "$interface is no C header."
say "${#headers[@]} headers compile on their own"
