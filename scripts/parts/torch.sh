# SPDX-License-Identifier: Apache-2.0
# The torch backend: its plug-in builds against LibTorch, and the tests of ops, gradients, layers and models pass on it.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
scripts/install_packages.sh torch || skip "libtorch-dev could not be installed"
cmake -S . -B "$release_dir" >/dev/null || die "CMake could not configure the torch backend."
build "$release_dir"
run_ctest "$release_dir" "$release_dir/torch_tests.log" -L torch
