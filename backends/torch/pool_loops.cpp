// SPDX-License-Identifier: Apache-2.0
#include "pool_loops.h"

#include <algorithm>
#include <vector>

#include "loops.h"

namespace keras::aten {
namespace {

// One element of every window of a row of channels; `open` says whose window has not found its maximum.
KERAS_EVERY_PROCESSOR void take_gradient(int64_t channels, const float* x, const float* y, const float* dy,
                                         int32_t* open, float* dx) {
  KERAS_INDEPENDENT
  for (int64_t c = 0; c < channels; ++c) {
    const bool here = open[c] != 0 && x[c] == y[c];
    dx[c] = here ? dy[c] : 0.f;
    open[c] = here ? 0 : open[c];
  }
}

}  // namespace

void max_pool_gradient(const PoolWindows& p, const float* x, const float* y, const float* dy, float* dx) {
  std::vector<int32_t> open(static_cast<size_t>(p.channels));
  const bool covers = p.window_height == p.stride_height && p.window_width == p.stride_width &&
                      p.out_height * p.stride_height == p.height && p.out_width * p.stride_width == p.width;
  if (!covers) std::fill(dx, dx + p.batch * p.height * p.width * p.channels, 0.f);
  for (int64_t row = 0; row < p.batch * p.out_height; ++row) {
    const int64_t image = row / p.out_height, top = row % p.out_height * p.stride_height;
    for (int64_t column = 0; column < p.out_width; ++column) {
      const int64_t result = (row * p.out_width + column) * p.channels;
      std::fill(open.begin(), open.end(), 1);
      for (int64_t i = 0; i < p.window_height; ++i) {
        for (int64_t j = 0; j < p.window_width; ++j) {
          const int64_t place =
              ((image * p.height + top + i) * p.width + column * p.stride_width + j) * p.channels;
          take_gradient(p.channels, x + place, y + result, dy + result, open.data(), dx + place);
        }
      }
    }
  }
}

}  // namespace keras::aten
