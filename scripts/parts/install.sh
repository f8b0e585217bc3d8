# SPDX-License-Identifier: Apache-2.0
# Another CMake project finds the installed library with find_package(keras), builds and runs.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
prefix=$keras_root/build/install_prefix
rm -rf "$prefix" build/install_test
cmake --install "$release_dir" --prefix "$prefix" >/dev/null || die "cmake --install failed; its message stands above."
"$prefix/bin/keras" backends --list || die "the installed tool does not run."
cmake -S tests/install -B build/install_test -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_PREFIX_PATH="$prefix" ||
  die "the other project could not find the installed package."
build build/install_test
run_ctest build/install_test build/install_test/ctest.log
