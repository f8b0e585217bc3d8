# SPDX-License-Identifier: Apache-2.0
# Files written here open in Python Keras, and Python Keras' files open here.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
drivers=(tests/exchange/*.py)
[ -e "${drivers[0]}" ] || skip "there is no driver in tests/exchange/"
# Any Python with Keras will do: KERAS_PYTHON names it. Otherwise one is set up under build/.
python=${KERAS_PYTHON:-build/venv/bin/python}
if [ -z "${KERAS_PYTHON:-}" ] && [ ! -f build/venv/installed ]; then
  python3 -m venv build/venv || skip "python3 -m venv does not work here"
  build/venv/bin/pip install -q --disable-pip-version-check -r tests/golden/requirements.txt ||
    skip "the Python packages of tests/golden/requirements.txt could not be installed"
  touch build/venv/installed
fi
export TF_CPP_MIN_LOG_LEVEL=3 OMP_NUM_THREADS=1 KERAS_BIND=0
for driver in "${drivers[@]}"; do
  say "$driver"
  "$python" "$driver" "$release_dir" || die "$driver failed; its message stands above."
done
