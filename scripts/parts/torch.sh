# SPDX-License-Identifier: Apache-2.0
# The torch backend: its plug-in builds against Debian's LibTorch and passes the backend tests.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
[ -f backends/torch/CMakeLists.txt ] || skip "there is no torch backend in this tree"
scripts/install_packages.sh torch || skip "libtorch-dev could not be installed"
cmake -S . -B "$release_dir" >/dev/null || die "CMake could not configure the torch backend."
build "$release_dir"
run_ctest "$release_dir" "$release_dir/torch_tests.log" -L torch
