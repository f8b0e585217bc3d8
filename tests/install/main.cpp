// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "keras/base/error.h"

int main() {
  const std::string nearest = keras::internal::nearest_name("sotfmax", {"relu", "softmax"});
  if (nearest != "softmax") {
    std::fprintf(stderr, "expected softmax, got '%s'\n", nearest.c_str());
    return 1;
  }
  return 0;
}
