# SPDX-License-Identifier: Apache-2.0
# The tensorflow backend: its plug-in builds against TensorFlow's C API, and every test program that computes passes
# on it. KERAS_TENSORFLOW_ROOT names a package that is there already.
source "$(dirname "${BASH_SOURCE[0]}")/../environment.sh"
if [ -z "${KERAS_TENSORFLOW_ROOT:-}" ]; then
  scripts/get_tensorflow.sh || skip "the Python package tensorflow-cpu could not be installed"
fi
export TF_CPP_MIN_LOG_LEVEL=2
test_backend tensorflow
