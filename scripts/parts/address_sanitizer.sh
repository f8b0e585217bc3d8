# SPDX-License-Identifier: Apache-2.0
# Every native test under the address and undefined-behaviour sanitizers. Built with clang, which is also the proof
# that clang compiles the tree; the fuzz programs share this build.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
configure build/asan -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++ \
  -DKERAS_SANITIZE=address,undefined -DKERAS_BUILD_FUZZERS=ON
build build/asan
export ASAN_OPTIONS="detect_stack_use_after_return=1:strict_string_checks=1:check_initialization_order=1"
export UBSAN_OPTIONS=print_stacktrace=1 LSAN_OPTIONS="suppressions=$keras_root/tests/sanitizers/lsan.supp"
run_ctest build/asan build/asan/ctest.log -j "$(nproc)" -LE "layout"
