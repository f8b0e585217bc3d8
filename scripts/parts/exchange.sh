# SPDX-License-Identifier: Apache-2.0
# Files written here open in Python Keras, and Python Keras' files open here; arrays go to NumPy and come from it.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
# Any Python with Keras will do: KERAS_PYTHON names it. Otherwise one is set up under build/.
python=${KERAS_PYTHON:-build/venv/bin/python}
if [ -z "${KERAS_PYTHON:-}" ] && [ ! -f build/venv/installed ]; then
  python3 -m venv build/venv || skip "python3 -m venv does not work here"
  build/venv/bin/pip install -q --disable-pip-version-check -r tests/golden/requirements.txt ||
    skip "the Python packages of tests/golden/requirements.txt could not be installed"
  touch build/venv/installed
fi
build "$release_dir" exchange exchange_arrays
export TF_CPP_MIN_LOG_LEVEL=3 OMP_NUM_THREADS=1 KERAS_BIND=0 KERAS_BACKEND_PATH=$keras_root/$release_dir/lib
"$python" tests/exchange/exchange.py "$release_dir" || die "exchange.py failed; its message stands above."
"$python" tests/exchange/arrays.py "$release_dir" || die "arrays.py failed; its message stands above."
