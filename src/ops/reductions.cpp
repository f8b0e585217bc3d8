// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/reductions.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "keras/base/error.h"
#include "keras/ops/manipulation.h"
#include "keras/tensor/config.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

namespace prim = internal::prim;
using internal::as_dtype;
using internal::as_float;
using internal::as_plain;
using internal::fail;
using internal::float_result;
using internal::symbolic;
using prim::scalar;
using prim::scalar_like;

namespace {

// The dtype in which sums and products of small integers are made.
DType counting_dtype(DType dtype) {
  switch (dtype) {
    case DType::bool_:
    case DType::int8:
    case DType::int16:
      return DType::int32;
    case DType::uint8:
    case DType::uint16:
      return DType::uint32;
    default:
      return dtype;
  }
}

Tensor as_counting(const Tensor& x) {
  const Tensor plain = as_plain(x);
  return prim::cast(plain, counting_dtype(plain.dtype()));
}

// Products go through promotion first, which knows no uint64.
Tensor as_factors(const Tensor& x) {
  const Tensor plain = as_plain(x);
  return prim::cast(plain, counting_dtype(result_type({{plain.dtype(), false}})));
}

// How many elements a reduction runs over.
Tensor reduced_count(const Tensor& x, std::span<const int> axes, DType dtype) {
  Dim count = 1;
  for (const int axis : axes) count = count * x.shape()[static_cast<size_t>(axis)];
  if (count.known()) return scalar(static_cast<double>(count.value()), dtype);
  Tensor out = scalar(1, dtype);
  for (const int axis : axes) out = prim::mul(out, prim::extent(x, axis, dtype));
  return out;
}

Tensor mean_over(const Tensor& x, std::span<const int> axes, bool keepdims) {
  return prim::div(prim::reduce_sum(x, axes, keepdims), reduced_count(x, axes, x.dtype()));
}

// Sums of half precision are made in float32.
DType wide_dtype(DType dtype) { return result_type({{dtype, false}, {DType::float32, false}}); }

Tensor mean_of(const Tensor& x, const Axis& axis, bool keepdims) {
  const Tensor plain = as_plain(x);
  const DType work = wide_dtype(plain.dtype());
  const DType to = is_float(plain.dtype()) || is_complex(plain.dtype()) ? plain.dtype() : work;
  return prim::cast(mean_over(prim::cast(plain, work), axis.resolve("mean", x.rank()), keepdims), to);
}

Tensor variance(const Tensor& x, const Axis& axis, bool keepdims) {
  const Tensor plain = as_plain(x);
  const Axes axes = axis.resolve("var", x.rank());
  const Tensor wide = prim::cast(plain, wide_dtype(plain.dtype()));
  const Tensor away = prim::sub(wide, mean_over(wide, axes, true));
  if (!is_complex(wide.dtype())) {
    return prim::cast(mean_over(prim::mul(away, away), axes, keepdims), float_result(plain.dtype()));
  }
  const Tensor squared = prim::real(prim::mul(away, prim::conj(away)));
  return mean_over(squared, axes, keepdims);
}

Tensor extreme(const Tensor& x, const Axis& axis, bool keepdims, const Tensor& initial, bool largest) {
  const Tensor plain = as_plain(x);
  const Axes axes = axis.resolve(largest ? "max" : "min", x.rank());
  const Tensor out =
      largest ? prim::reduce_max(plain, axes, keepdims) : prim::reduce_min(plain, axes, keepdims);
  if (!initial.defined()) return out;
  const DType work = plain.dtype() == DType::bool_ ? DType::int32 : plain.dtype();
  const Tensor a = prim::cast(out, work);
  const Tensor b = as_dtype(initial, work);
  return prim::cast(largest ? prim::maximum(a, b) : prim::minimum(a, b), plain.dtype());
}

Tensor position(const Tensor& x, std::optional<int64_t> axis, bool keepdims, bool largest) {
  const Tensor plain = as_plain(x);
  const std::string_view where = largest ? "argmax" : "argmin";
  if (axis && plain.rank() > 0) {
    const int along = normalize_axis(where, *axis, x.rank());
    return largest ? prim::argmax(plain, along, keepdims) : prim::argmin(plain, along, keepdims);
  }
  const Tensor flat = prim::reshape(plain, Shape{element_count(plain.shape())});
  const Tensor out = largest ? prim::argmax(flat, 0) : prim::argmin(flat, 0);
  return keepdims ? prim::reshape(out, Shape(plain.shape().size(), Dim(1))) : out;
}

Tensor running(const Tensor& x, std::optional<int64_t> axis, DTypeArgument dtype, keras_cumulate kind) {
  Tensor plain = dtype.none() ? as_plain(x) : as_dtype(x, dtype.value("cumulate"));
  if (plain.dtype() == DType::bool_) plain = prim::cast(plain, DType::int32);
  if (!axis) plain = prim::reshape(plain, Shape{element_count(plain.shape())});
  const int along =
      axis ? normalize_axis(kind == KERAS_CUM_SUM ? "cumsum" : "cumprod", *axis, plain.rank()) : 0;
  return prim::cumulate(kind, plain, along);
}

}  // namespace

Tensor sum(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&sum>(x, axis, keepdims)) return *node;
  return prim::reduce_sum(as_counting(x), axis.resolve("sum", x.rank()), keepdims);
}

Tensor prod(const Tensor& x, const Axis& axis, bool keepdims, DTypeArgument dtype) {
  if (auto node = symbolic<&prod>(x, axis, keepdims, dtype)) return *node;
  const Tensor factors = dtype.none() ? as_factors(x) : as_dtype(x, dtype.value("prod"));
  return prim::reduce_prod(factors, axis.resolve("prod", x.rank()), keepdims);
}

Tensor mean(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&mean>(x, axis, keepdims)) return *node;
  return mean_of(x, axis, keepdims);
}

Tensor var(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&var>(x, axis, keepdims)) return *node;
  return variance(x, axis, keepdims);
}

Tensor std(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&std>(x, axis, keepdims)) return *node;
  return prim::sqrt(variance(x, axis, keepdims));
}

Tensor max(const Tensor& x, const Axis& axis, bool keepdims, const Tensor& initial) {
  if (auto node = symbolic<&max>(x, axis, keepdims, initial)) return *node;
  return extreme(x, axis, keepdims, initial, true);
}

Tensor min(const Tensor& x, const Axis& axis, bool keepdims, const Tensor& initial) {
  if (auto node = symbolic<&min>(x, axis, keepdims, initial)) return *node;
  return extreme(x, axis, keepdims, initial, false);
}

Tensor amax(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&amax>(x, axis, keepdims)) return *node;
  return extreme(x, axis, keepdims, {}, true);
}

Tensor amin(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&amin>(x, axis, keepdims)) return *node;
  return extreme(x, axis, keepdims, {}, false);
}

Tensor ptp(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&ptp>(x, axis, keepdims)) return *node;
  return prim::sub(extreme(x, axis, keepdims, {}, true), extreme(x, axis, keepdims, {}, false));
}

Tensor argmax(const Tensor& x, std::optional<int64_t> axis, bool keepdims) {
  if (auto node = symbolic<&argmax>(x, axis, keepdims)) return *node;
  return position(x, axis, keepdims, true);
}

Tensor argmin(const Tensor& x, std::optional<int64_t> axis, bool keepdims) {
  if (auto node = symbolic<&argmin>(x, axis, keepdims)) return *node;
  return position(x, axis, keepdims, false);
}

Tensor average(const Tensor& x, const Axis& axis, const Tensor& weights) {
  if (auto node = symbolic<&average>(x, axis, weights)) return *node;
  const Axes axes = axis.resolve("average", x.rank());
  if (!weights.defined()) return mean_over(as_float(x), axes, false);
  const DType dtype = result_type({x.promotion_type(), weights.promotion_type(), {DType::float32, true}});
  const Tensor values = as_dtype(x, dtype);
  Tensor shares = as_dtype(weights, dtype);
  if (!(shares.shape() == values.shape())) {
    if (axis.none() || axes.size() != 1) {
      fail<ValueError>({"average", "One axis must be given when the weights have another shape than x",
                        weights.shape().to_string() + " for " + x.shape().to_string(), ""});
    }
    const Dim extent = values.dim(axes[0]);
    if (shares.rank() != 1 || (extent.known() && shares.dim(0).known() && !(shares.dim(0) == extent))) {
      fail<ValueError>({"average",
                        "The weights must have x's shape, or one entry for each element of the axis",
                        weights.shape().to_string() + " for " + x.shape().to_string(), ""});
    }
    Shape line(values.shape().size(), Dim(1));
    line[static_cast<size_t>(axes[0])] = shares.dim(0);
    shares = prim::broadcast_to(prim::reshape(shares, line), values.shape());
  }
  return prim::div(prim::reduce_sum(prim::mul(values, shares), axes), prim::reduce_sum(shares, axes));
}

Tensor count_nonzero(const Tensor& x, const Axis& axis) {
  if (auto node = symbolic<&count_nonzero>(x, axis)) return *node;
  const Tensor flags = prim::cast(as_dtype(x, DType::bool_), DType::int32);
  return prim::reduce_sum(flags, axis.resolve("count_nonzero", x.rank()));
}

Tensor logsumexp(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&logsumexp>(x, axis, keepdims)) return *node;
  return prim::logsumexp(as_float(x), axis.resolve("logsumexp", x.rank()), keepdims);
}

Tensor trace(const Tensor& x, int64_t offset, int64_t axis1, int64_t axis2) {
  if (auto node = symbolic<&trace>(x, offset, axis1, axis2)) return *node;
  const Tensor line = diagonal(as_counting(x), offset, axis1, axis2);
  return prim::reduce_sum(line, {line.rank() - 1});
}

Tensor cumsum(const Tensor& x, std::optional<int64_t> axis, DTypeArgument dtype) {
  if (auto node = symbolic<&cumsum>(x, axis, dtype)) return *node;
  return running(x, axis, dtype, KERAS_CUM_SUM);
}

Tensor cumprod(const Tensor& x, std::optional<int64_t> axis, DTypeArgument dtype) {
  if (auto node = symbolic<&cumprod>(x, axis, dtype)) return *node;
  return running(x, axis, dtype, KERAS_CUM_PROD);
}

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor is_nan(const Tensor& x) { return prim::not_equal(x, x); }

// NaN replaced by a number; other kinds than floats have none.
Tensor without_nan(const Tensor& x, double otherwise) {
  const Tensor plain = as_plain(x);
  if (!is_float(plain.dtype()) && !is_complex(plain.dtype())) return plain;
  return prim::select(is_nan(plain), scalar_like(plain, otherwise), plain);
}

Tensor nan_sum(const Tensor& x, std::span<const int> axes, bool keepdims) {
  return prim::reduce_sum(as_counting(without_nan(x, 0)), axes, keepdims);
}

Tensor nan_mean(const Tensor& x, std::span<const int> axes, bool keepdims) {
  const Tensor plain = as_plain(x);
  if (!is_float(plain.dtype())) return mean_over(prim::cast(plain, DType::float32), axes, keepdims);
  const Tensor valid = prim::cast(prim::equal(plain, plain), plain.dtype());
  return prim::div(nan_sum(plain, axes, keepdims), prim::reduce_sum(valid, axes, keepdims));
}

Tensor nan_variance(const Tensor& x, const Axis& axis, bool keepdims) {
  const Axes axes = axis.resolve("nanvar", x.rank());
  const Tensor values = as_float(x);
  const Tensor valid = prim::equal(values, values);
  const Tensor away =
      prim::select(valid, prim::sub(values, nan_mean(values, axes, true)), scalar_like(values, 0));
  const Tensor count = prim::reduce_sum(prim::cast(valid, values.dtype()), axes, keepdims);
  return prim::div(prim::reduce_sum(prim::mul(away, away), axes, keepdims), count);
}

Tensor nan_extreme(const Tensor& x, const Axis& axis, bool keepdims, bool largest) {
  const Tensor plain = as_plain(x);
  if (!is_float(plain.dtype())) return extreme(plain, axis, keepdims, {}, largest);
  const Axes axes = axis.resolve(largest ? "nanmax" : "nanmin", x.rank());
  const Tensor out =
      extreme(without_nan(plain, largest ? -kInfinity : kInfinity), Axis(axes), keepdims, {}, largest);
  return prim::select(prim::logical_all(is_nan(plain), axes, keepdims), scalar_like(out, std::nan("")), out);
}

Tensor nan_position(const Tensor& x, std::optional<int64_t> axis, bool keepdims, bool largest) {
  const Tensor plain = as_plain(x);
  if (!is_float(plain.dtype())) return position(plain, axis, keepdims, largest);
  const Axes axes = axis ? Axes{normalize_axis("nanargmax", *axis, x.rank())} : prim::all_axes(x.rank());
  const Tensor out = position(without_nan(plain, largest ? -kInfinity : kInfinity), axis, keepdims, largest);
  return prim::select(prim::logical_all(is_nan(plain), axes, keepdims), scalar(-1, DType::int32), out);
}

}  // namespace

Tensor nansum(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&nansum>(x, axis, keepdims)) return *node;
  return nan_sum(x, axis.resolve("nansum", x.rank()), keepdims);
}

Tensor nanprod(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&nanprod>(x, axis, keepdims)) return *node;
  return prim::reduce_prod(as_factors(without_nan(x, 1)), axis.resolve("nanprod", x.rank()), keepdims);
}

Tensor nanmean(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&nanmean>(x, axis, keepdims)) return *node;
  return nan_mean(x, axis.resolve("nanmean", x.rank()), keepdims);
}

Tensor nanvar(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&nanvar>(x, axis, keepdims)) return *node;
  return nan_variance(x, axis, keepdims);
}

Tensor nanstd(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&nanstd>(x, axis, keepdims)) return *node;
  return prim::sqrt(nan_variance(x, axis, keepdims));
}

Tensor nanmax(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&nanmax>(x, axis, keepdims)) return *node;
  return nan_extreme(x, axis, keepdims, true);
}

Tensor nanmin(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&nanmin>(x, axis, keepdims)) return *node;
  return nan_extreme(x, axis, keepdims, false);
}

Tensor nanargmax(const Tensor& x, std::optional<int64_t> axis, bool keepdims) {
  if (auto node = symbolic<&nanargmax>(x, axis, keepdims)) return *node;
  return nan_position(x, axis, keepdims, true);
}

Tensor nanargmin(const Tensor& x, std::optional<int64_t> axis, bool keepdims) {
  if (auto node = symbolic<&nanargmin>(x, axis, keepdims)) return *node;
  return nan_position(x, axis, keepdims, false);
}

Tensor nancumsum(const Tensor& x, std::optional<int64_t> axis, DTypeArgument dtype) {
  if (auto node = symbolic<&nancumsum>(x, axis, dtype)) return *node;
  return running(without_nan(x, 0), axis, dtype, KERAS_CUM_SUM);
}

Tensor nancumprod(const Tensor& x, std::optional<int64_t> axis, DTypeArgument dtype) {
  if (auto node = symbolic<&nancumprod>(x, axis, dtype)) return *node;
  return running(without_nan(x, 1), axis, dtype, KERAS_CUM_PROD);
}

}  // namespace keras::ops
