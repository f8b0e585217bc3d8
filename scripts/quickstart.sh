#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# From a bare Debian 12 to a trained network: installs what is missing, builds the library, runs the first program.
# Can be run again at any time; a second run builds only what changed.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

say "1/3 packages"
scripts/install_packages.sh build || exit 1

say "2/3 building the library and the example in $release_dir"
[ -f "$release_dir/build.ninja" ] || configure "$release_dir" -DCMAKE_BUILD_TYPE=Release -DKERAS_BUILD_TESTS=OFF
build "$release_dir" quickstart

say "3/3 training a convolutional network on Fashion-MNIST (examples/fashion_mnist_convnet.cpp)"
"$release_dir/bin/fashion_mnist_convnet" "$@" || die "the example failed; its message stands above."
