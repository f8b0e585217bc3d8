# SPDX-License-Identifier: Apache-2.0
# Files written here open in Python Keras, and Python Keras' files open here.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
drivers=(tests/exchange/*.py)
[ -e "${drivers[0]}" ] || skip "there is no driver in tests/exchange/"
if [ ! -f build/venv/installed ]; then
  python3 -m venv build/venv || skip "python3 -m venv does not work here"
  build/venv/bin/pip install -q -r tests/golden/requirements.txt ||
    skip "the Python packages of tests/golden/requirements.txt could not be installed"
  touch build/venv/installed
fi
export TF_CPP_MIN_LOG_LEVEL=3 OMP_NUM_THREADS=1 KERAS_BIND=0
for driver in "${drivers[@]}"; do
  say "$driver"
  build/venv/bin/python "$driver" "$release_dir" || die "$driver failed; its message stands above."
done
