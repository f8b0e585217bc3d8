# SPDX-License-Identifier: Apache-2.0
# The torch backend: its plug-in builds against LibTorch, and every test program that computes passes on it.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
scripts/install_packages.sh torch || skip "libtorch-dev could not be installed"
test_backend torch
