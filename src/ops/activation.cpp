// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/activation.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "ops/fused_activation.h"
#include "ops/logits.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

using namespace internal;
using prim::scalar_like;

namespace {

Tensor above(const Tensor& x, double bound) { return prim::greater(x, scalar_like(x, bound)); }
Tensor up_to(const Tensor& x, double bound) { return prim::less_equal(x, scalar_like(x, bound)); }
Tensor plus(const Tensor& x, double value) { return prim::add(x, scalar_like(x, value)); }
Tensor times(const Tensor& x, double value) { return prim::mul(x, scalar_like(x, value)); }
// min(x, 0) with slope 1 at 0.
Tensor negative_part(const Tensor& x) { return prim::select(above(x, 0), scalar_like(x, 0), x); }

Tensor over_axes(const char* where, OpId op, const Tensor& x, const Axis& axis) {
  // A scalar has no axis to sum over; it is a vector of one.
  if (x.rank() == 0) return prim::reshape(over_axes(where, op, prim::reshape(x, Shape{1}), 0), Shape{});
  auto attributes = make_attributes<AxesAttributes>();
  attributes.axes = to_list(std::span<const int>(axis.resolve(where, x.rank())));
  return apply_op(op, attributes, {x});
}

}  // namespace

Tensor relu(const Tensor& x) {
  if (auto node = symbolic<&relu>(x)) return *node;
  return prim::relu(as_plain(x));
}

Tensor relu6(const Tensor& x) {
  if (auto node = symbolic<&relu6>(x)) return *node;
  return activate(as_plain(x), KERAS_ACT_RELU6, 0);
}

Tensor sigmoid(const Tensor& x) {
  if (auto node = symbolic<&sigmoid>(x)) return *node;
  const Tensor z = as_float(x);
  return with_logits(prim::sigmoid(z), z);
}

Tensor sparse_sigmoid(const Tensor& x) {
  if (auto node = symbolic<&sparse_sigmoid>(x)) return *node;
  const Tensor z = as_float(x);
  const Tensor inside =
      prim::select(prim::less(z, scalar_like(z, 1)), times(plus(z, 1), 0.5), scalar_like(z, 1));
  return prim::select(up_to(z, -1), scalar_like(z, 0), inside);
}

Tensor softplus(const Tensor& x) {
  if (auto node = symbolic<&softplus>(x)) return *node;
  // -|x| and max(x, 0) by selection, so that the slope at 0 is the true 1/2.
  const Tensor z = as_float(x);
  const Tensor positive = above(z, 0);
  const Tensor tail = prim::log1p(prim::exp(prim::select(positive, prim::neg(z), z)));
  return prim::add(prim::select(positive, z, scalar_like(z, 0)), tail);
}

Tensor softsign(const Tensor& x) {
  if (auto node = symbolic<&softsign>(x)) return *node;
  const Tensor z = as_float(x);
  return prim::div(z, plus(prim::abs(z), 1));
}

Tensor soft_shrink(const Tensor& x, double threshold) {
  if (auto node = symbolic<&soft_shrink>(x, threshold)) return *node;
  const Tensor z = as_float(x);
  const Tensor low =
      prim::select(prim::less(z, scalar_like(z, -threshold)), plus(z, threshold), scalar_like(z, 0));
  return prim::select(above(z, threshold), plus(z, -threshold), low);
}

Tensor sparse_plus(const Tensor& x) {
  if (auto node = symbolic<&sparse_plus>(x)) return *node;
  const Tensor z = as_float(x);
  const Tensor shifted = plus(z, 1);
  const Tensor inside =
      prim::select(prim::less(z, scalar_like(z, 1)), times(prim::mul(shifted, shifted), 0.25), z);
  return prim::select(up_to(z, -1), scalar_like(z, 0), inside);
}

Tensor silu(const Tensor& x) {
  if (auto node = symbolic<&silu>(x)) return *node;
  return activate(as_float(x), KERAS_ACT_SILU, 0);
}

Tensor swish(const Tensor& x) { return silu(x); }

Tensor squareplus(const Tensor& x, double b) {
  if (auto node = symbolic<&squareplus>(x, b)) return *node;
  const Tensor z = as_float(x);
  return times(prim::add(z, prim::sqrt(plus(prim::mul(z, z), b))), 0.5);
}

Tensor log_sigmoid(const Tensor& x) {
  if (auto node = symbolic<&log_sigmoid>(x)) return *node;
  return prim::neg(softplus(prim::neg(as_float(x))));
}

Tensor leaky_relu(const Tensor& x, double negative_slope) {
  if (auto node = symbolic<&leaky_relu>(x, negative_slope)) return *node;
  return activate(as_float(x), KERAS_ACT_LEAKY_RELU, negative_slope);
}

Tensor hard_sigmoid(const Tensor& x) {
  if (auto node = symbolic<&hard_sigmoid>(x)) return *node;
  return activate(as_float(x), KERAS_ACT_HARD_SIGMOID, 0);
}

Tensor hard_silu(const Tensor& x) {
  if (auto node = symbolic<&hard_silu>(x)) return *node;
  const Tensor z = as_float(x);
  return prim::mul(z, hard_sigmoid(z));
}
Tensor hard_swish(const Tensor& x) { return hard_silu(x); }

Tensor elu(const Tensor& x, double alpha) {
  if (auto node = symbolic<&elu>(x, alpha)) return *node;
  return activate(as_float(x), KERAS_ACT_ELU, alpha);
}

Tensor selu(const Tensor& x) {
  if (auto node = symbolic<&selu>(x)) return *node;
  constexpr double kAlpha = 1.6732632423543772848170429916717;
  constexpr double kScale = 1.0507009873554804934193349852946;
  return times(elu(x, kAlpha), kScale);
}

Tensor gelu(const Tensor& x, bool approximate) {
  if (auto node = symbolic<&gelu>(x, approximate)) return *node;
  return activate(as_float(x), approximate ? KERAS_ACT_GELU_TANH : KERAS_ACT_GELU, 0);
}

Tensor celu(const Tensor& x, double alpha) {
  if (auto node = symbolic<&celu>(x, alpha)) return *node;
  if (alpha == 0) fail<ValueError>({"celu", "alpha must not be 0", "alpha=0", ""});
  const Tensor z = as_float(x);
  const Tensor low = times(prim::expm1(times(negative_part(z), 1.0 / alpha)), alpha);
  return prim::select(above(z, 0), z, low);
}

Tensor glu(const Tensor& x, int axis) {
  if (auto node = symbolic<&glu>(x, axis)) return *node;
  const Tensor z = as_float(x);
  const int a = normalize_axis("glu", axis, z.rank());
  const Dim extent = z.dim(a);
  if (extent.known() && extent.value() % 2 != 0) {
    fail<ValueError>({"glu", "The axis must have an even extent",
                      fmt::format("x.shape={}, axis={}", z.shape().to_string(), axis), ""});
  }
  const Dim half = extent / Dim(2);
  return prim::mul(prim::slice_axis(z, a, Dim(0), half), prim::sigmoid(prim::slice_axis(z, a, half, extent)));
}

Tensor tanh_shrink(const Tensor& x) {
  if (auto node = symbolic<&tanh_shrink>(x)) return *node;
  const Tensor z = as_float(x);
  return prim::sub(z, prim::tanh(z));
}

Tensor hard_tanh(const Tensor& x) {
  if (auto node = symbolic<&hard_tanh>(x)) return *node;
  const Tensor z = as_plain(x);
  return prim::minimum(prim::maximum(z, scalar_like(z, -1)), scalar_like(z, 1));
}

Tensor hard_shrink(const Tensor& x, double threshold) {
  if (auto node = symbolic<&hard_shrink>(x, threshold)) return *node;
  const Tensor z = as_float(x);
  return prim::select(above(prim::abs(z), threshold), z, scalar_like(z, 0));
}

Tensor threshold(const Tensor& x, double threshold, double default_value) {
  if (auto node = symbolic<&ops::threshold>(x, threshold, default_value)) return *node;
  const Tensor z = as_float(x);
  return prim::select(above(z, threshold), z, scalar_like(z, default_value));
}

Tensor softmax(const Tensor& x, const Axis& axis) {
  if (auto node = symbolic<&softmax>(x, axis)) return *node;
  const Tensor z = as_float(x);
  return with_logits(over_axes("softmax", OpId::softmax_op, z, axis), z);
}

Tensor log_softmax(const Tensor& x, const Axis& axis) {
  if (auto node = symbolic<&log_softmax>(x, axis)) return *node;
  return over_axes("log_softmax", OpId::log_softmax_op, as_float(x), axis);
}

Tensor sparsemax(const Tensor& x, int axis) {
  if (auto node = symbolic<&sparsemax>(x, axis)) return *node;
  const Tensor z = as_float(x);
  const int a = normalize_axis("sparsemax", axis, z.rank());
  const Tensor operands[] = {z};
  const Tensor sorted = prim::sort(operands, a, true)[0];
  const Tensor sums = prim::cumulate(KERAS_CUM_SUM, sorted, a);
  Shape along(z.shape().size(), Dim(1));
  along[static_cast<size_t>(a)] = z.dim(a);
  const Tensor rank = plus(prim::iota(z.dtype(), along, a), 1);
  // The support is the longest run of the largest elements that stays above the threshold it implies.
  const Tensor support = above(prim::sub(sorted, prim::div(plus(sums, -1), rank)), 0);
  const Tensor size = prim::reduce_sum(prim::cast(support, z.dtype()), {a}, true);
  const Tensor total = prim::reduce_sum(prim::select(support, sums, scalar_like(z, 0)), {a}, true);
  return prim::maximum(prim::sub(z, prim::div(plus(total, -1), size)), scalar_like(z, 0));
}

}  // namespace keras::ops
