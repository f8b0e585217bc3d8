// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/normalization.h"

#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/tensor/config.h"
#include "ops/fused.h"
#include "ops/mean_over.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

using namespace internal;

namespace {

DType statistics_dtype(DType dtype) { return dtype == DType::float64 ? dtype : DType::float32; }

// The vector of the normalized axes, in the dtype of the statistics; `fill` where it was not given.
Tensor vector_over(const Tensor& given, const Tensor& x, const Axes& axes, double fill) {
  Shape shape;
  for (const int a : axes) shape.push_back(x.dim(a));
  const DType dtype = statistics_dtype(x.dtype());
  if (!given.defined()) return prim::full(shape, fill, dtype);
  return prim::reshape(as_dtype(given, dtype), shape);
}

}  // namespace

std::pair<Tensor, Tensor> moments(const Tensor& x, const Axis& axes, bool keepdims, bool synchronized) {
  if (auto node = symbolic<&moments>(x, axes, keepdims, synchronized)) return *node;
  if (synchronized) {
    fail<UnsupportedError>(
        {"moments", "Statistics across replicas need a distribution", "synchronized=true", ""});
  }
  const Tensor z = as_float(x);
  const bool half = z.dtype() == DType::float16 || z.dtype() == DType::bfloat16;
  const Tensor wide = half ? prim::cast(z, DType::float32) : z;
  const Axes over = axes.resolve("moments", z.rank());
  const Tensor mean = mean_over(wide, over, true);
  const Tensor centered = prim::sub(wide, mean);
  const Tensor variance = mean_over(prim::mul(centered, centered), over, true);
  const auto finish = [&](Tensor value) {
    if (!keepdims) value = prim::squeeze(value, over);
    if (!half) return value;
    constexpr double kLargest = 65504;  // of float16: beyond it the conversion would give infinity
    value = prim::minimum(prim::maximum(value, prim::scalar_like(value, -kLargest)),
                          prim::scalar_like(value, kLargest));
    return prim::cast(value, z.dtype());
  };
  return {finish(mean), finish(variance)};
}

Tensor batch_normalization(const Tensor& x, const Tensor& mean, const Tensor& variance, int axis,
                           const Tensor& offset, const Tensor& scale, double epsilon) {
  if (auto node = symbolic<&batch_normalization>(x, mean, variance, axis, offset, scale, epsilon))
    return *node;
  const Tensor z = as_float(x);
  const int a = normalize_axis("batch_normalization", axis, z.rank());
  Axes reduced;
  for (int i = 0; i < z.rank(); ++i) {
    if (i != a) reduced.push_back(i);
  }
  const Axes kept{a};
  return fused::batch_norm_infer(z, vector_over(scale, z, kept, 1), vector_over(offset, z, kept, 0),
                                 vector_over(mean, z, kept, 0), vector_over(variance, z, kept, 1), reduced,
                                 epsilon);
}

Tensor layer_normalization(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Axis& axis,
                           std::optional<double> epsilon) {
  if (auto node = symbolic<&layer_normalization>(x, gamma, beta, axis, epsilon)) return *node;
  const Tensor z = as_float(x);
  const Axes axes = axis.resolve("layer_normalization", z.rank());
  return fused::layer_norm(z, vector_over(gamma, z, axes, 1), vector_over(beta, z, axes, 0), axes,
                           epsilon.value_or(config::epsilon()));
}

Tensor rms_normalization(const Tensor& x, const Tensor& scale, const Axis& axis,
                         std::optional<double> epsilon) {
  if (auto node = symbolic<&rms_normalization>(x, scale, axis, epsilon)) return *node;
  Tensor z = as_float(x);
  if (z.rank() == 0) z = prim::reshape(z, Shape{1});
  const Axes axes = axis.resolve("rms_normalization", z.rank());
  return fused::rms_norm(z, vector_over(scale, z, axes, 1), axes, epsilon.value_or(config::epsilon()));
}

Tensor normalize(const Tensor& x, const Axis& axis, int order, std::optional<double> epsilon) {
  if (auto node = symbolic<&normalize>(x, axis, order, epsilon)) return *node;
  if (order < 1) {
    fail<ValueError>({"normalize", "order must be at least 1", fmt::format("order={}", order), ""});
  }
  Tensor z = as_float(x);
  if (z.rank() == 0) z = prim::reshape(z, Shape{1});
  const Axes axes = axis.resolve("normalize", z.rank());
  const double least = epsilon.value_or(config::epsilon());
  const auto at_least = [](const Tensor& t, double bound) {
    return prim::maximum(t, prim::scalar_like(t, bound));
  };
  if (order == 2) {
    const Tensor squares = prim::reduce_sum(prim::mul(z, z), axes, true);
    return prim::mul(z, prim::rsqrt(at_least(squares, least * least)));
  }
  Tensor size = prim::abs(z);
  if (order == 1) return prim::div(z, at_least(prim::reduce_sum(size, axes, true), least));
  const Tensor powers = prim::reduce_sum(prim::pow(size, prim::scalar_like(z, order)), axes, true);
  return prim::div(z, at_least(prim::pow(powers, prim::scalar_like(z, 1.0 / order)), least));
}

}  // namespace keras::ops
