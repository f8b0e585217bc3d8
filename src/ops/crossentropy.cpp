// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/crossentropy.h"

#include <fmt/format.h>

#include <cmath>

#include "keras/base/error.h"
#include "keras/ops/activation.h"
#include "keras/tensor/config.h"
#include "ops/fused.h"
#include "ops/logits.h"
#include "ops/mean_over.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

using namespace internal;

namespace {

std::string describe(const Tensor& target, const Tensor& output) {
  return fmt::format("target.shape={}, output.shape={}", target.shape().to_string(),
                     output.shape().to_string());
}

bool fits(Dim a, Dim b) { return a == b || !a.known() || !b.known(); }

void check_same_shape(const char* where, const Tensor& target, const Tensor& output) {
  bool good = target.rank() == output.rank();
  for (size_t i = 0; good && i < target.shape().size(); ++i)
    good = fits(target.shape()[i], output.shape()[i]);
  if (!good)
    fail<ValueError>({where, "target and output must have the same shape", describe(target, output), ""});
}

Tensor clipped(const Tensor& p) {
  const double low = config::epsilon();
  return prim::minimum(prim::maximum(p, prim::scalar_like(p, low)), prim::scalar_like(p, 1.0 - low));
}

// The logits to use, where there are any: those behind the probabilities, or the output itself.
Tensor find_logits(const Tensor& output, bool from_logits) {
  const Tensor noted = logits_of(output);
  if (noted.defined()) return noted;
  return from_logits ? output : Tensor();
}

}  // namespace

Tensor one_hot(const Tensor& x, int64_t num_classes, int axis, const DTypeArgument& dtype) {
  if (auto node = symbolic<&one_hot>(x, num_classes, axis, dtype)) return *node;
  if (num_classes < 0) {
    fail<ValueError>(
        {"one_hot", "num_classes must not be negative", fmt::format("num_classes={}", num_classes), ""});
  }
  Tensor labels = as_plain(x);
  if (!is_integer(labels.dtype())) labels = prim::cast(labels, DType::int64);
  const int a = normalize_axis("one_hot", axis, labels.rank() + 1);
  Shape classes(labels.shape().size() + 1, Dim(1));
  classes[static_cast<size_t>(a)] = num_classes;
  const Tensor hit = prim::equal(prim::expand_dims(labels, a), prim::iota(labels.dtype(), classes, a));
  return prim::cast(hit, dtype.value_or(DType::float32));
}

Tensor multi_hot(const Tensor& inputs, int64_t num_classes, int axis, const DTypeArgument& dtype) {
  const DType result = dtype.value_or(floatx());
  if (auto node = symbolic<&multi_hot>(inputs, num_classes, axis, DTypeArgument(result))) return *node;
  const Tensor codes = one_hot(inputs, num_classes, axis, DType::int32);
  return prim::cast(prim::reduce_max(codes, {inputs.rank() > 1 ? 1 : 0}), result);
}

Tensor binary_crossentropy(const Tensor& target, const Tensor& output, bool from_logits) {
  if (auto node = symbolic<&binary_crossentropy>(target, output, from_logits)) return *node;
  check_same_shape("binary_crossentropy", target, output);
  const Tensor logits = find_logits(output, from_logits);
  if (logits.defined()) {
    const auto [t, z] = promote_float(target, logits);
    return prim::sub(softplus(z), prim::mul(z, t));
  }
  const auto [t, raw] = promote_float(target, output);
  const Tensor p = clipped(raw);
  const Tensor one = prim::scalar_like(p, 1);
  const Tensor hit = prim::mul(t, prim::log(p));
  const Tensor miss = prim::mul(prim::sub(one, t), prim::log(prim::sub(one, p)));
  return prim::neg(prim::add(hit, miss));
}

Tensor categorical_crossentropy(const Tensor& target, const Tensor& output, bool from_logits, int axis) {
  if (auto node = symbolic<&categorical_crossentropy>(target, output, from_logits, axis)) return *node;
  const char* where = "categorical_crossentropy";
  if (target.rank() < 1) {
    fail<ValueError>({where, "target and output must have at least one axis", describe(target, output), ""});
  }
  check_same_shape(where, target, output);
  const Tensor logits = find_logits(output, from_logits);
  const int a = normalize_axis(where, axis, output.rank());
  if (logits.defined()) {
    const auto [t, z] = promote_float(target, logits);
    return prim::neg(prim::reduce_sum(prim::mul(t, log_softmax(z, a)), {a}));
  }
  const auto [t, raw] = promote_float(target, output);
  const Tensor p = clipped(prim::div(raw, prim::reduce_sum(raw, {a}, true)));
  return prim::neg(prim::reduce_sum(prim::mul(t, prim::log(p)), {a}));
}

Tensor sparse_categorical_crossentropy(const Tensor& target, const Tensor& output, bool from_logits,
                                       int axis) {
  if (auto node = symbolic<&sparse_categorical_crossentropy>(target, output, from_logits, axis)) return *node;
  const char* where = "sparse_categorical_crossentropy";
  if (output.rank() < 1) {
    fail<ValueError>({where, "output must have at least one axis", describe(target, output), ""});
  }
  if (axis != -1 && axis != output.rank() - 1) {
    fail<ValueError>(
        {where, "Classes must lie along the last axis", fmt::format("axis={}", axis), "transpose first"});
  }
  Tensor labels = as_plain(target);
  if (is_float(labels.dtype())) {
    // A cast makes NaN 0, which is a class; -1 is none and is refused.
    labels = prim::select(prim::equal(labels, labels), labels, prim::scalar_like(labels, -1));
  }
  if (!is_integer(labels.dtype())) labels = prim::cast(labels, DType::int64);
  if (labels.rank() == output.rank() && labels.shape().back() == Dim(1)) {
    labels = prim::squeeze(labels, Axes{labels.rank() - 1});
  }
  bool good = labels.rank() + 1 == output.rank();
  for (size_t i = 0; good && i < labels.shape().size(); ++i)
    good = fits(labels.shape()[i], output.shape()[i]);
  if (!good) {
    fail<ValueError>({where, "target must have the shape of output without its last axis",
                      describe(target, output), "for one-hot targets use categorical_crossentropy"});
  }
  Tensor logits = find_logits(output, from_logits);
  logits = logits.defined() ? as_float(logits) : prim::log(clipped(as_float(output)));
  return fused::softmax_cross_entropy(logits, labels);
}

Tensor polar(const Tensor& abs_, const Tensor& angle) {
  if (auto node = symbolic<&polar>(abs_, angle)) return *node;
  const Tensor r = as_dtype(abs_, DType::float32), phi = as_dtype(angle, DType::float32);
  return prim::complex(prim::mul(r, prim::cos(phi)), prim::mul(r, prim::sin(phi)));
}

Tensor psnr(const Tensor& x1, const Tensor& x2, double max_val) {
  if (auto node = symbolic<&psnr>(x1, x2, max_val)) return *node;
  check_same_shape("psnr", x1, x2);
  const auto [a, b] = promote_float(x1, x2);
  const Tensor difference = prim::sub(a, b);
  const Tensor error = mean_over(prim::mul(difference, difference), prim::all_axes(a.rank()), false);
  // 20 log10(max) - 10 log10(error)
  const Tensor decibels = prim::mul(prim::log(error), prim::scalar_like(error, 10.0 / std::log(10.0)));
  return prim::sub(prim::scalar_like(error, 20.0 * std::log10(max_val)), decibels);
}

}  // namespace keras::ops
