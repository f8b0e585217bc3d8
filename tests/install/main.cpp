// SPDX-License-Identifier: Apache-2.0
// A program of another project: headers, library and backend all come from the installation.
#include <keras/keras.h>

#include <cstdio>
#include <vector>

using namespace keras;

int main() try {
  Sequential model({Input({2}), layers::Dense(1, {.kernel_initializer = "ones"})});
  const Tensor x = {{1.f, 2.f}, {3.f, 4.f}};
  const auto sums = model.predict(x).tensor().to_vector<float>();
  if (sums == std::vector<float>{3, 7}) return 0;
  std::fprintf(stderr, "the sums of the rows are wrong\n");
  return 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
