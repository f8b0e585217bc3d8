// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

namespace keras::aten {

/// A parameter's and its slots' elements before and after; both may be the same memory.
struct UpdatedElements {
  const float *w, *g, *m, *v;
  float *new_w, *new_m, *new_v;
  int64_t count;
};

/// Adam: alpha is the rate with both corrections of bias, decay the rate times weight decay.
void adam_loop(const UpdatedElements& e, float alpha, float rest_1, float rest_2, float epsilon, float decay);

/// Gradient descent with momentum.
void momentum_loop(const UpdatedElements& e, float rate, float momentum, bool nesterov, float decay);

}  // namespace keras::aten
