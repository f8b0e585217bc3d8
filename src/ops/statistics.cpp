// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "keras/base/error.h"
#include "keras/ops/creation.h"
#include "keras/ops/sorting.h"
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
using internal::symbolic;
using prim::scalar;
using prim::scalar_like;

namespace {

Tensor is_nan(const Tensor& x) { return prim::not_equal(x, x); }

/// x with its reduced axes as one last axis.
struct Rows {
  Tensor x;
  Shape kept;  ///< the other axes
  Axes axes;
};

Rows as_rows(std::string_view where, const Tensor& x, const Axis& axis) {
  const Axes axes = axis.resolve(where, x.rank());
  Axes order;
  Shape kept;
  Dim count = 1;
  for (int i = 0; i < x.rank(); ++i) {
    if (std::find(axes.begin(), axes.end(), i) != axes.end()) continue;
    order.push_back(i);
    kept.push_back(x.dim(i));
  }
  for (const int a : axes) {
    order.push_back(a);
    count = count * x.dim(a);
  }
  return {prim::reshape(prim::transpose(x, order), kept + Shape{count}), kept, axes};
}

// The quantiles of sorted rows of which the first `count` elements count: (kept..., q).
Tensor interpolated(const Tensor& sorted, const Tensor& count, const Tensor& q, const std::string& method) {
  const int last = sorted.rank() - 1;
  const DType work = sorted.dtype();
  const Tensor one = scalar(1, DType::float64);
  const Tensor top = prim::maximum(prim::sub(count, one), scalar(0, DType::float64));  // (kept..., 1)
  const Tensor place = prim::mul(top, q);                                              // (kept..., q)
  const auto at = [&](const Tensor& p) {
    const Tensor limited = prim::minimum(prim::maximum(p, scalar(0, DType::float64)), top);
    return prim::gather(sorted, prim::cast(limited, DType::int32), last, last);
  };
  if (method == "lower") return at(prim::floor(place));
  if (method == "higher") return at(prim::ceil(place));
  if (method == "nearest") return at(prim::round(place));
  if (method == "midpoint") {
    return prim::mul(scalar(0.5, work), prim::add(at(prim::floor(place)), at(prim::ceil(place))));
  }
  if (method != "linear") {
    internal::fail_unknown_name("quantile", "method", method,
                                {"linear", "lower", "higher", "midpoint", "nearest"});
  }
  // The two neighbours differ even where the place is a whole one, so that gradients reach both.
  const Tensor lower = prim::maximum(prim::sub(prim::ceil(place), one), scalar(0, DType::float64));
  const Tensor upper = prim::minimum(prim::add(lower, one), top);
  const Tensor share = prim::cast(prim::sub(upper, place), work);
  return prim::add(prim::mul(at(upper), prim::sub(scalar(1, work), share)), prim::mul(at(lower), share));
}

Tensor quantiles(const Tensor& x, const Tensor& q, const Axis& axis, const std::string& method, bool keepdims,
                 bool pass_over_nan) {
  if (q.rank() > 1)
    fail<ValueError>({"quantile", "q must be a scalar or have one axis", q.shape().to_string(), ""});
  const Tensor values = as_float(x);
  const Rows rows = as_rows("quantile", values, axis);
  const int last = rows.x.rank() - 1;
  const Tensor sorted = prim::sort(std::span<const Tensor>(&rows.x, 1), last)[0];
  const Tensor missing = is_nan(rows.x);
  Tensor count;
  if (pass_over_nan) {
    count = prim::reduce_sum(prim::cast(prim::bit_not(missing), DType::float64), {last}, true);
  } else {
    Shape one(rows.x.shape().size(), Dim(1));
    count = prim::reshape(prim::extent(rows.x, last, DType::float64), one);
    count = prim::broadcast_to(count, rows.kept + Shape{1});
  }
  const Tensor fractions = prim::reshape(as_dtype(q, DType::float64), Shape{element_count(q.shape())});
  Tensor out = interpolated(sorted, count, fractions, method);
  const Tensor lost = pass_over_nan ? prim::equal(count, scalar(0, DType::float64))
                                    : prim::logical_any(missing, Axes{last}, true);
  out = prim::select(lost, scalar_like(out, std::nan("")), out);
  // (kept..., q) to (q, kept...), without the q of a scalar.
  Shape shape = rows.kept;
  if (keepdims) {
    shape = values.shape();
    for (const int a : rows.axes) shape[static_cast<size_t>(a)] = Dim(1);
  }
  Axes order{last};
  for (int i = 0; i < last; ++i) order.push_back(i);
  out = prim::transpose(out, order);
  return prim::reshape(out, q.rank() == 0 ? shape : Shape{q.dim(0)} + shape);
}

Tensor hundredth(const Tensor& q) {
  const Tensor share = as_dtype(q, config::floatx());
  return prim::div(share, scalar_like(share, 100));
}

}  // namespace

Tensor quantile(const Tensor& x, const Tensor& q, const Axis& axis, const std::string& method,
                bool keepdims) {
  if (auto node = symbolic<&quantile>(x, q, axis, method, keepdims)) return *node;
  return quantiles(x, q, axis, method, keepdims, false);
}

Tensor percentile(const Tensor& x, const Tensor& q, const Axis& axis, const std::string& method,
                  bool keepdims) {
  if (auto node = symbolic<&percentile>(x, q, axis, method, keepdims)) return *node;
  return quantiles(x, hundredth(q), axis, method, keepdims, false);
}

Tensor median(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&median>(x, axis, keepdims)) return *node;
  return quantiles(x, 0.5, axis, "linear", keepdims, false);
}

Tensor nanquantile(const Tensor& x, const Tensor& q, const Axis& axis, const std::string& method,
                   bool keepdims) {
  if (auto node = symbolic<&nanquantile>(x, q, axis, method, keepdims)) return *node;
  return quantiles(x, q, axis, method, keepdims, true);
}

Tensor nanpercentile(const Tensor& x, const Tensor& q, const Axis& axis, const std::string& method,
                     bool keepdims) {
  if (auto node = symbolic<&nanpercentile>(x, q, axis, method, keepdims)) return *node;
  return quantiles(x, hundredth(q), axis, method, keepdims, true);
}

Tensor nanmedian(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&nanmedian>(x, axis, keepdims)) return *node;
  return quantiles(x, 0.5, axis, "linear", keepdims, true);
}

namespace {

Tensor differences(const Tensor& a, int64_t n, int axis) {
  Tensor out = a;
  for (int64_t i = 0; i < n; ++i) {
    const Dim extent = out.dim(axis);
    if (extent == Dim(0)) break;
    const Tensor later = prim::slice_axis(out, axis, Dim(1), extent);
    const Tensor earlier = prim::slice_axis(out, axis, Dim(0), extent - Dim(1));
    out = out.dtype() == DType::bool_ ? prim::not_equal(later, earlier) : prim::sub(later, earlier);
  }
  return out;
}

}  // namespace

Tensor diff(const Tensor& a, int64_t n, int64_t axis) {
  if (auto node = symbolic<&diff>(a, n, axis)) return *node;
  if (n < 0 || a.rank() == 0) {
    fail<ValueError>({"diff", "n must not be negative, and the tensor must have an axis",
                      fmt::format("n={}, shape {}", n, a.shape().to_string()), ""});
  }
  return differences(a, n, normalize_axis("diff", axis, a.rank()));
}

Tensor trapezoid(const Tensor& y, const Tensor& x, double dx, int64_t axis) {
  if (auto node = symbolic<&trapezoid>(y, x, dx, axis)) return *node;
  const Tensor heights = as_float(y);
  const int along = normalize_axis("trapezoid", axis, heights.rank());
  const Dim extent = heights.dim(along);
  const Tensor pairs = prim::add(prim::slice_axis(heights, along, Dim(1), extent),
                                 prim::slice_axis(heights, along, Dim(0), extent - Dim(1)));
  Tensor widths = scalar_like(heights, 0.5 * dx);
  if (x.defined()) {
    Tensor points = as_dtype(x, heights.dtype());
    if (points.rank() == 1 && heights.rank() > 1) {
      Shape line(heights.shape().size(), Dim(1));
      line[static_cast<size_t>(along)] = points.dim(0);
      points = prim::reshape(points, line);
    }
    const int points_axis =
        points.rank() == heights.rank() ? along : normalize_axis("trapezoid", axis, points.rank());
    widths = prim::mul(differences(points, 1, points_axis), scalar_like(heights, 0.5));
  }
  return prim::reduce_sum(prim::mul(pairs, widths), {along});
}

Tensor corrcoef(const Tensor& x) {
  if (auto node = symbolic<&corrcoef>(x)) return *node;
  const Tensor plain = as_float(x);
  if (plain.rank() == 0) return scalar(std::nan(""), config::floatx());
  if (plain.rank() > 2)
    fail<ValueError>({"corrcoef", "x must have one or two axes", x.shape().to_string(), ""});
  const Tensor rows = plain.rank() == 1 ? prim::expand_dims(plain, 0) : plain;
  const Tensor samples = prim::extent(rows, 1, rows.dtype());
  const Tensor away = prim::sub(rows, prim::div(prim::reduce_sum(rows, {1}, true), samples));
  const Tensor products = prim::dot_general(away, away, {1}, {1});
  const Tensor sizes = prim::sqrt(prim::reduce_sum(prim::mul(away, away), {1}));
  const Tensor scale = prim::mul(prim::expand_dims(sizes, 1), prim::expand_dims(sizes, 0));
  const Tensor bounded =
      prim::minimum(prim::maximum(prim::div(products, scale), scalar_like(rows, -1)), scalar_like(rows, 1));
  return plain.rank() == 1 ? prim::reshape(bounded, Shape{}) : bounded;
}

Tensor bincount(const Tensor& x, const Tensor& weights, int64_t minlength) {
  if (auto node = symbolic<&bincount>(x, weights, minlength)) return *node;
  if (x.rank() != 1 && x.rank() != 2) {
    fail<ValueError>({"bincount", "x must have one or two axes", x.shape().to_string(), ""});
  }
  const Tensor plain = as_plain(x);
  if (!is_integer(plain.dtype()) && plain.dtype() != DType::bool_) {
    fail<TypeError>({"bincount", "x must be integers", std::string(dtype_name(plain.dtype())), ""});
  }
  const Tensor values = prim::cast(plain, DType::int32);
  const DType dtype = weights.defined() ? internal::common_dtype({as_plain(x), weights}) : DType::int32;
  if (AbstractEvaluation::running()) {
    Shape shape = x.shape().sub(0, x.shape().size() - 1);
    shape.push_back(Dim::unknown());
    return AbstractEvaluation::tensor({dtype, shape});
  }
  int64_t length = minlength;
  if (values.elements() > 0) {
    const Axes axes = prim::all_axes(values.rank());
    if (prim::reduce_min(values, axes).item<int64_t>() < 0) {
      fail<ValueError>({"bincount", "x must not be negative", "a negative element", ""});
    }
    length = std::max(length, (Dim(prim::reduce_max(values, axes).item<int64_t>()) + Dim(1)).value());
  }
  const Tensor shares = weights.defined() ? prim::broadcast_to(as_dtype(weights, dtype), values.shape())
                                          : prim::full(values.shape(), 1, dtype);
  Shape column = values.shape();
  column.push_back(Dim(1));
  Tensor places = prim::reshape(values, column);
  if (values.rank() == 2) places = prim::concat({prim::iota(DType::int32, column, 0), places}, 2);
  Shape out = values.shape();
  out[out.size() - 1] = Dim(length);
  return prim::scatter(KERAS_SCATTER_ADD, prim::full(out, 0, dtype), places, shares);
}

std::pair<Tensor, Tensor> histogram(const Tensor& x, int64_t bins,
                                    const std::optional<std::pair<double, double>>& range) {
  if (auto node = symbolic<&histogram>(x, bins, range)) return *node;
  if (bins <= 0 || (range && !(range->first < range->second))) {
    fail<ValueError>(
        {"histogram", "bins must be positive, and the range must ascend", fmt::format("bins={}", bins), ""});
  }
  const Tensor plain = as_plain(x);
  const Tensor flat = prim::reshape(plain, Shape{element_count(plain.shape())});
  const DType dtype = flat.dtype();
  const DType work = is_float(dtype) ? dtype : DType::float64;
  const Tensor values = prim::cast(flat, work);
  const Tensor low = range ? scalar(range->first, work) : prim::reduce_min(values, {0});
  const Tensor high = range ? scalar(range->second, work) : prim::reduce_max(values, {0});
  const Tensor edges = prim::cast(prim::cast(linspace(low, high, (Dim(bins) + Dim(1)).value()), dtype), work);
  const Tensor inner = prim::slice_axis(edges, 0, Dim(1), Dim(bins));
  const Tensor place = searchsorted(inner, values, "right");
  const Tensor inside = prim::bit_and(prim::greater_equal(values, low), prim::less_equal(values, high));
  const Tensor counts = prim::scatter(KERAS_SCATTER_ADD, prim::full(Shape{Dim(bins)}, 0, work),
                                      prim::expand_dims(place, 1), prim::cast(inside, work));
  return {prim::cast(counts, dtype), prim::cast(edges, dtype)};
}

}  // namespace keras::ops
