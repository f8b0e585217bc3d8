// SPDX-License-Identifier: Apache-2.0
#include "ops/fused_activation.h"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "keras/base/error.h"
#include "ops/primitives.h"

namespace keras::internal {

namespace {

using prim::scalar_like;

[[noreturn]] void fail_unknown(int64_t activation) {
  fail<ValueError>({"activation", "The activation of a fused op must be one of keras_activation",
                    fmt::format("{}", activation), ""});
}

// Phi(z), the normal distribution function.
Tensor normal_cdf(const Tensor& z) {
  const Tensor e = prim::erf(prim::mul(z, scalar_like(z, 1.0 / std::numbers::sqrt2)));
  return prim::mul(scalar_like(z, 0.5), prim::add(scalar_like(z, 1.0), e));
}

// sqrt(2 / pi) (z + 0.044715 z^3), the argument of tanh in the approximate GELU.
constexpr double kGeluCubic = 0.044715;
const double kGeluScale = std::sqrt(2.0 / std::numbers::pi);

Tensor gelu_argument(const Tensor& z) {
  const Tensor cubic = prim::mul(prim::mul(z, z), scalar_like(z, kGeluCubic));
  return prim::mul(prim::mul(z, scalar_like(z, kGeluScale)), prim::add(scalar_like(z, 1.0), cubic));
}

Tensor gelu_tanh_slope(const Tensor& z) {
  const Tensor one = scalar_like(z, 1.0);
  const Tensor half = scalar_like(z, 0.5);
  const Tensor t = prim::tanh(gelu_argument(z));
  const Tensor inner =
      prim::mul(scalar_like(z, kGeluScale),
                prim::add(one, prim::mul(scalar_like(z, 3.0 * kGeluCubic), prim::mul(z, z))));
  const Tensor dt = prim::mul(prim::sub(one, prim::mul(t, t)), inner);
  return prim::add(prim::mul(half, prim::add(one, t)), prim::mul(prim::mul(half, z), dt));
}

Tensor gelu_slope(const Tensor& z) {
  const Tensor density = prim::mul(scalar_like(z, 1.0 / std::sqrt(2.0 * std::numbers::pi)),
                                   prim::exp(prim::mul(scalar_like(z, -0.5), prim::mul(z, z))));
  return prim::add(normal_cdf(z), prim::mul(z, density));
}

Tensor positive(const Tensor& x) { return prim::greater(x, scalar_like(x, 0.0)); }
// min(z, 0), with slope 1 at 0.
Tensor negative_part(const Tensor& z) { return prim::select(positive(z), scalar_like(z, 0.0), z); }
Tensor below(const Tensor& x, double bound) { return prim::less(x, scalar_like(x, bound)); }

}  // namespace

Tensor activate(const Tensor& z, int64_t activation, double alpha) {
  switch (activation) {
    case KERAS_ACT_LINEAR:
      return z;
    case KERAS_ACT_RELU:
      return prim::relu(z);
    case KERAS_ACT_SIGMOID:
      return prim::sigmoid(z);
    case KERAS_ACT_TANH:
      return prim::tanh(z);
    case KERAS_ACT_GELU:
      return prim::mul(z, normal_cdf(z));
    case KERAS_ACT_GELU_TANH:
      return prim::mul(prim::mul(scalar_like(z, 0.5), z),
                       prim::add(scalar_like(z, 1.0), prim::tanh(gelu_argument(z))));
    case KERAS_ACT_SILU:
      return prim::mul(z, prim::sigmoid(z));
    case KERAS_ACT_ELU:
      return prim::select(positive(z), z, prim::mul(scalar_like(z, alpha), prim::expm1(negative_part(z))));
    case KERAS_ACT_LEAKY_RELU:
      return prim::select(positive(z), z, prim::mul(scalar_like(z, alpha), z));
    case KERAS_ACT_RELU6:
      return prim::minimum(prim::relu(z), scalar_like(z, 6.0));
    case KERAS_ACT_HARD_SIGMOID:
      return prim::div(prim::minimum(prim::relu(prim::add(z, scalar_like(z, 3.0))), scalar_like(z, 6.0)),
                       scalar_like(z, 6.0));
    default:
      fail_unknown(activation);
  }
}

bool gradient_from_result(int64_t activation) {
  return activation != KERAS_ACT_GELU && activation != KERAS_ACT_GELU_TANH && activation != KERAS_ACT_SILU &&
         activation != KERAS_ACT_ELU && activation != KERAS_ACT_LEAKY_RELU;
}

Tensor activation_gradient(const Tensor& z, const Tensor& y, const Tensor& dy, int64_t activation,
                           double alpha) {
  const Tensor zero = scalar_like(dy, 0.0);
  const Tensor one = scalar_like(dy, 1.0);
  switch (activation) {
    case KERAS_ACT_LINEAR:
      return dy;
    case KERAS_ACT_RELU:
      return prim::select(positive(y), dy, zero);
    case KERAS_ACT_SIGMOID:
      return prim::mul(dy, prim::mul(y, prim::sub(one, y)));
    case KERAS_ACT_TANH:
      return prim::mul(dy, prim::sub(one, prim::mul(y, y)));
    case KERAS_ACT_GELU:
      return prim::mul(dy, gelu_slope(z));
    case KERAS_ACT_GELU_TANH:
      return prim::mul(dy, gelu_tanh_slope(z));
    case KERAS_ACT_SILU: {
      const Tensor s = prim::sigmoid(z);
      return prim::mul(dy, prim::mul(s, prim::add(one, prim::mul(z, prim::sub(one, s)))));
    }
    case KERAS_ACT_ELU:
      return prim::mul(
          dy, prim::select(positive(z), one, prim::mul(scalar_like(z, alpha), prim::exp(negative_part(z)))));
    case KERAS_ACT_LEAKY_RELU:
      return prim::mul(dy, prim::select(positive(z), one, scalar_like(z, alpha)));
    case KERAS_ACT_RELU6:
      return prim::select(prim::bit_and(positive(y), below(y, 6.0)), dy, zero);
    case KERAS_ACT_HARD_SIGMOID:
      return prim::select(prim::bit_and(positive(y), below(y, 1.0)), prim::div(dy, scalar_like(dy, 6.0)),
                          zero);
    default:
      fail_unknown(activation);
  }
}

}  // namespace keras::internal
