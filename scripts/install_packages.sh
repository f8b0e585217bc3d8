#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs Debian packages by set: install_packages.sh build|test|all|torch ...
# Does nothing, and needs no network, where every package of the sets is installed already.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

# What the library, its native backend and the examples need.
build_packages=(g++ cmake ninja-build lld libdnnl-dev libhwy-dev liblapack3 libfmt-dev libcli11-dev
  zlib1g-dev dataset-fashion-mnist)
# What the native tests need besides.
test_packages=(libgtest-dev libhdf5-dev)
# What `scripts/test.sh --all` needs besides.
all_packages=(git ccache clang clang-format clang-tidy libclang-rt-14-dev doxygen libbenchmark-dev python3-venv)
# The torch backend.
torch_packages=(libtorch-dev)

wanted=()
for set_name in "$@"; do
  case $set_name in
    build) wanted+=("${build_packages[@]}") ;;
    test) wanted+=("${test_packages[@]}") ;;
    all) wanted+=("${all_packages[@]}") ;;
    torch) wanted+=("${torch_packages[@]}") ;;
    *) die "'$set_name' is no package set: the sets are build, test, all and torch." ;;
  esac
done

command -v dpkg-query >/dev/null ||
  die "this system has no dpkg; install the equivalents of these Debian 12 packages by hand: ${wanted[*]}"

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Abbrev}' "$package" 2>/dev/null || true)
  [ "${status:0:2}" = ii ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null ||
    die "these packages are missing, and only root can install them (there is no sudo here): ${missing[*]}"
  as_root=(sudo)
fi

say "installing ${missing[*]}"
apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300
  -o Dpkg::Options::=--force-confold)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${as_root[@]}" "${apt[@]}" update &&
  "${as_root[@]}" "${apt[@]}" install --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
  tail -n 30 "$log" >&2
  die "apt-get could not install these packages: ${missing[*]}; the end of its output stands above."
fi
