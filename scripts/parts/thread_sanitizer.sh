# SPDX-License-Identifier: Apache-2.0
# The thread sanitizer on the rooms that use threads, at two threads, built with clang.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
rooms=()
for room in runtime backends data models compile; do
  if compgen -G "tests/$room/*.cpp" >/dev/null; then rooms+=("$room"); fi
done
[ ${#rooms[@]} -gt 0 ] || skip "none of the rooms that use threads has a test"
configure build/tsan -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
  -DKERAS_SANITIZE=thread -DKERAS_BUILD_EXAMPLES=OFF -DKERAS_TEST_THREADS=2
build build/tsan backend_plugins "${rooms[@]/#/test_}"
pattern=$(IFS='|'; printf '^(%s)$' "${rooms[*]}")
export TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1 suppressions=$keras_root/tests/sanitizers/tsan.supp"
run_ctest build/tsan build/tsan/ctest.log -R "$pattern"
