#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the environments of the peers that run.py measures, in a folder of their own outside the tree:
#   benchmarks/compare/setup.sh DIR
# One virtual environment a framework, with the versions of requirements-*.txt, and LibTorch's OpenBLAS unpacked
# beside them (installed, it would change the system's BLAS). What is there with the right versions stays; what cannot
# be installed leaves DIR/NAME.failed with the reason, which the tables quote. About 7 GB, most of it PyTorch's.
set -euo pipefail
if [ $# -ne 1 ]; then
  printf 'Stopped: give the folder for the environments: %s DIR\n' "$0" >&2
  exit 2
fi
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
dir=$(cd "$1" && pwd)
log=$dir/setup.log
: >"$log"

say() { printf '==> %s\n' "$*"; }

# The last line of the log that names an error.
reason() { grep -iE 'error|could not|unable|no matching|failed' "$log" | tail -n 1 | cut -c1-200; }

for name in tensorflow jax torch; do
  requirements=$here/requirements-$name.txt
  if cmp -s "$requirements" "$dir/$name/installed.txt"; then
    say "$name: there already"
    continue
  fi
  say "$name: installing"
  rm -rf "${dir:?}/$name" "$dir/$name.failed"
  if python3 -m venv "$dir/$name" >>"$log" 2>&1 &&
    "$dir/$name/bin/python" -m pip install --quiet --disable-pip-version-check -r "$requirements" >>"$log" 2>&1; then
    cp "$requirements" "$dir/$name/installed.txt"
  else
    reason >"$dir/$name.failed"
    say "$name: could not be installed: $(cat "$dir/$name.failed")"
  fi
done

package=libopenblas0-openmp
if [ -e "$dir/openblas/libblas.so.3" ]; then
  say "$package: there already"
elif command -v apt-get >/dev/null && (cd "$dir" && apt-get download "$package") >>"$log" 2>&1; then
  rm -rf "$dir/unpacked"
  dpkg-deb -x "$dir/$package"_*.deb "$dir/unpacked"
  mkdir -p "$dir/openblas"
  find "$dir/unpacked" -name 'lib*.so*' -exec cp -P {} "$dir/openblas/" \;
  rm -rf "$dir/unpacked" "$dir/$package"_*.deb
  say "$package: unpacked"
else
  reason >"$dir/openblas.failed"
  say "$package: could not be downloaded: LibTorch runs on the system's BLAS"
fi
