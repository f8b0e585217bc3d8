#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Puts TensorFlow's library and headers where the tensorflow backend looks for them:
#   scripts/get_tensorflow.sh [FOLDER]
# FOLDER is build/release/tensorflow unless given; for another one, configure with
# -DKERAS_TENSORFLOW_ROOT=FOLDER/tensorflow. They come from the Python package tensorflow-cpu, of which nothing is run:
# Python and its pip only fetch it. Does nothing where the package is there already in the wanted version.
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

folder=${1:-$release_dir/tensorflow}
wanted=$(grep '^tensorflow-cpu==' tests/golden/requirements.txt)
if [ "$(cat "$folder/installed" 2>/dev/null)" = "$wanted" ]; then exit 0; fi

command -v python3 >/dev/null || die "python3 is not installed; it fetches the package $wanted."
rm -rf "$folder"
mkdir -p "$folder"
python3 -m venv "$folder/venv" || die "python3 -m venv does not work here (Debian: python3-venv)."
say "fetching $wanted into $folder"
"$folder/venv/bin/pip" install -q --disable-pip-version-check --no-deps --target "$folder" "$wanted" ||
  die "pip could not install $wanted; its message stands above."
rm -rf "$folder/venv"
[ -f "$folder/tensorflow/libtensorflow_cc.so.2" ] || die "$wanted holds no tensorflow/libtensorflow_cc.so.2."
printf '%s\n' "$wanted" >"$folder/installed"
