// SPDX-License-Identifier: Apache-2.0
// The only test source that knows where the checkout lies, so that a compiler cache serves all the others to
// every checkout.
#include "checkout.h"

namespace keras::checkout {

std::string source_path(const std::string& relative) { return KERAS_SOURCE_DIR "/" + relative; }
std::string build_path(const std::string& relative) { return KERAS_BINARY_DIR "/" + relative; }

}  // namespace keras::checkout
