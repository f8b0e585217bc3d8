// SPDX-License-Identifier: Apache-2.0
#include "update_loops.h"

#include <cmath>

#include "loops.h"

namespace keras::aten {

KERAS_EVERY_PROCESSOR void adam_loop(const UpdatedElements& e, float alpha, float rest_1, float rest_2,
                                     float epsilon, float decay) {
  const float *w = e.w, *g = e.g, *m = e.m, *v = e.v;
  float *new_w = e.new_w, *new_m = e.new_m, *new_v = e.new_v;
  const int64_t count = e.count;
  KERAS_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) {
    const float first = m[i] + (g[i] - m[i]) * rest_1;
    const float second = v[i] + (g[i] * g[i] - v[i]) * rest_2;
    const float decayed = w[i] - w[i] * decay;
    new_m[i] = first;
    new_v[i] = second;
    new_w[i] = decayed - first * alpha / (std::sqrt(second) + epsilon);
  }
}

KERAS_EVERY_PROCESSOR void momentum_loop(const UpdatedElements& e, float rate, float momentum, bool nesterov,
                                         float decay) {
  const float *w = e.w, *g = e.g, *m = e.m;
  float *new_w = e.new_w, *new_m = e.new_m;
  const int64_t count = e.count;
  // One product more where the step looks ahead.
  const float ahead = nesterov ? momentum : 1.f, direct = nesterov ? rate : 0.f;
  KERAS_INDEPENDENT
  for (int64_t i = 0; i < count; ++i) {
    const float velocity = m[i] * momentum - g[i] * rate;
    const float decayed = w[i] - w[i] * decay;
    new_m[i] = velocity;
    new_w[i] = decayed + (velocity * ahead - g[i] * direct);
  }
}

}  // namespace keras::aten
