// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/creation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "keras/base/error.h"
#include "keras/ops/elementwise.h"
#include "keras/ops/manipulation.h"
#include "keras/tensor/config.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

namespace prim = internal::prim;
using internal::as_dtype;
using internal::as_plain;
using internal::fail;
using internal::symbolic;
using prim::scalar;
using prim::scalar_like;

Tensor zeros(const Shape& shape, DTypeArgument dtype) {
  return prim::full(shape, 0, dtype.value_or(config::floatx()));
}
Tensor ones(const Shape& shape, DTypeArgument dtype) {
  return prim::full(shape, 1, dtype.value_or(config::floatx()));
}
Tensor empty(const Shape& shape, DTypeArgument dtype) { return zeros(shape, dtype); }

namespace {

Tensor filled(const Shape& shape, const Tensor& value, DType dtype) {
  // A scalar of the host is one value everywhere; anything else is broadcast.
  if (value.weak() && !is_complex(dtype)) return prim::full(shape, value.item<double>(), dtype);
  return prim::broadcast_to(as_dtype(value, dtype), shape);
}

}  // namespace

Tensor full(const Shape& shape, const Tensor& fill_value, DTypeArgument dtype) {
  if (auto node = symbolic<&full>(shape, fill_value, dtype)) return *node;
  return filled(shape, fill_value, dtype.value_or(config::floatx()));
}

Tensor zeros_like(const Tensor& x, DTypeArgument dtype) {
  if (auto node = symbolic<&zeros_like>(x, dtype)) return *node;
  return prim::full(x.shape(), 0, dtype.value_or(x.dtype()));
}

Tensor ones_like(const Tensor& x, DTypeArgument dtype) {
  if (auto node = symbolic<&ones_like>(x, dtype)) return *node;
  return prim::full(x.shape(), 1, dtype.value_or(x.dtype()));
}

Tensor empty_like(const Tensor& x, DTypeArgument dtype) {
  if (auto node = symbolic<&empty_like>(x, dtype)) return *node;
  return prim::full(x.shape(), 0, dtype.value_or(x.dtype()));
}

Tensor full_like(const Tensor& x, const Tensor& fill_value, DTypeArgument dtype) {
  if (auto node = symbolic<&full_like>(x, fill_value, dtype)) return *node;
  return filled(x.shape(), fill_value, dtype.value_or(x.dtype()));
}

Tensor array(const Tensor& x, DTypeArgument dtype) {
  if (auto node = symbolic<&array>(x, dtype)) return *node;
  return dtype.none() ? as_plain(x) : as_dtype(x, dtype.value("array"));
}

Tensor arange(const Tensor& start, const Tensor& stop, const Tensor& step, DTypeArgument dtype) {
  if (auto node = symbolic<&arange>(start, stop, step, dtype)) return *node;
  SmallVector<PromotionType, 4> types;
  for (const Tensor* t : {&start, &stop, &step}) {
    if (t->defined()) types.push_back(t->promotion_type());
  }
  const DType to = dtype.value_or(result_type(types));
  const double first = stop.defined() ? start.item<double>() : 0.0;
  const double end = stop.defined() ? stop.item<double>() : start.item<double>();
  const double by = step.defined() ? step.item<double>() : 1.0;
  if (by == 0 || !std::isfinite((end - first) / by)) {
    fail<ValueError>({"arange", "The step must be a finite number other than 0",
                      fmt::format("start={}, stop={}, step={}", first, end, by), ""});
  }
  const double steps = std::max(0.0, std::ceil((end - first) / by));
  if (steps > 0x1p53) {
    fail<ValueError>({"arange", "The elements must be at most 2^53",
                      fmt::format("start={}, stop={}, step={}", first, end, by), ""});
  }
  const auto count = static_cast<int64_t>(steps);
  // Counted in the dtype when it is exact there, else in float64.
  const bool exact = is_integer(to) && std::trunc(first) == first && std::trunc(by) == by;
  const DType work = exact ? to : is_float(to) && to != DType::float64 ? DType::float32 : DType::float64;
  Tensor out = prim::iota(work, Shape{Dim(count)});
  if (by != 1) out = prim::mul(out, scalar(by, work));
  if (first != 0) out = prim::add(out, scalar(first, work));
  return prim::cast(out, to);
}

namespace {

struct Spaced {
  Tensor values;
  Tensor step;
};

Spaced spaced(const Tensor& start, const Tensor& stop, int64_t num, bool endpoint, DTypeArgument dtype,
              int64_t axis) {
  if (num < 0) fail<ValueError>({"linspace", "num must not be negative", fmt::format("num={}", num), ""});
  const DType to =
      dtype.value_or(result_type({start.promotion_type(), stop.promotion_type(), {DType::float32, true}}));
  const DType work = is_integer(to) || to == DType::bool_ ? DType::float64 : to;
  const Shape shape = broadcast_shapes("linspace", start.shape(), stop.shape());
  const Tensor first = prim::broadcast_to(as_dtype(start, work), shape);
  const Tensor last = prim::broadcast_to(as_dtype(stop, work), shape);
  const int along = normalize_axis("linspace", axis, shape.rank() + 1);
  const int64_t parts = endpoint ? num - 1 : num;
  const Tensor step = parts > 0 ? prim::div(prim::sub(last, first), scalar(static_cast<double>(parts), work))
                                : prim::full(shape, std::nan(""), is_float(work) ? work : config::floatx());
  Shape line(static_cast<size_t>(shape.rank()) + 1, Dim(1));
  line[static_cast<size_t>(along)] = Dim(num);
  const Tensor place = prim::iota(work, line, along);
  const Tensor steps = parts > 0 ? step : prim::zeros_like(first);
  Tensor values =
      prim::add(prim::expand_dims(first, along), prim::mul(place, prim::expand_dims(steps, along)));
  if (endpoint && num > 1) {
    // The last value is stop itself, not what rounding makes of it.
    const Tensor is_last = prim::equal(place, scalar(static_cast<double>(num - 1), work));
    values = prim::select(is_last, prim::expand_dims(last, along), values);
  }
  if (is_integer(to)) values = prim::floor(values);
  return {prim::cast(values, to), step};
}

}  // namespace

Tensor linspace(const Tensor& start, const Tensor& stop, int64_t num, bool endpoint, bool retstep,
                DTypeArgument dtype, int64_t axis) {
  if (auto node = symbolic<&linspace>(start, stop, num, endpoint, retstep, dtype, axis)) return *node;
  if (retstep) {
    fail<ValueError>(
        {"linspace", "retstep must be false here", "true", "linspace_with_step gives values and step"});
  }
  return spaced(start, stop, num, endpoint, dtype, axis).values;
}

std::pair<Tensor, Tensor> linspace_with_step(const Tensor& start, const Tensor& stop, int64_t num,
                                             bool endpoint, DTypeArgument dtype, int64_t axis) {
  const Spaced out = spaced(start, stop, num, endpoint, dtype, axis);
  return {out.values, out.step};
}

namespace {

Tensor powers_between(const Tensor& start, const Tensor& stop, int64_t num, bool endpoint, double base,
                      DTypeArgument dtype, int64_t axis) {
  const Tensor exponents = spaced(start, stop, num, endpoint, dtype, axis).values;
  return prim::pow(scalar_like(exponents, base), exponents);
}

}  // namespace

Tensor logspace(const Tensor& start, const Tensor& stop, int64_t num, bool endpoint, double base,
                DTypeArgument dtype, int64_t axis) {
  if (auto node = symbolic<&logspace>(start, stop, num, endpoint, base, dtype, axis)) return *node;
  return powers_between(start, stop, num, endpoint, base, dtype, axis);
}

Tensor geomspace(const Tensor& start, const Tensor& stop, int64_t num, bool endpoint, DTypeArgument dtype,
                 int64_t axis) {
  if (auto node = symbolic<&geomspace>(start, stop, num, endpoint, dtype, axis)) return *node;
  const DType work = dtype.value_or(config::floatx());
  const auto exponent = [&](const Tensor& x) {
    const Tensor size = prim::log(prim::abs(as_dtype(x, work)));
    return prim::div(size, scalar_like(size, std::numbers::ln10));
  };
  const Tensor values = powers_between(exponent(start), exponent(stop), num, endpoint, 10.0, dtype, axis);
  Tensor side = prim::sign(as_dtype(start, work));
  if (side.rank() > 0) side = prim::expand_dims(side, normalize_axis("geomspace", axis, values.rank()));
  return prim::mul(values, prim::cast(side, values.dtype()));
}

std::vector<Tensor> meshgrid(const std::vector<Tensor>& x, const std::string& indexing) {
  if (auto node = symbolic<&meshgrid>(x, indexing)) return *node;
  if (indexing != "xy" && indexing != "ij")
    internal::fail_unknown_name("meshgrid", "indexing", indexing, {"xy", "ij"});
  const size_t count = x.size();
  Shape shape;
  std::vector<Tensor> lines;
  for (const Tensor& t : x) {
    lines.push_back(prim::reshape(as_plain(t), Shape{element_count(t.shape())}));
    shape.push_back(lines.back().shape()[0]);
  }
  const bool swap = indexing == "xy" && count > 1;
  if (swap) std::swap(shape[0], shape[1]);
  std::vector<Tensor> out;
  for (size_t i = 0; i < count; ++i) {
    const size_t axis = swap && i < 2 ? 1 - i : i;
    Shape line(count, Dim(1));
    line[axis] = lines[i].shape()[0];
    out.push_back(prim::broadcast_to(prim::reshape(lines[i], line), shape));
  }
  return out;
}

namespace {

// column - row of every element of a matrix.
Tensor offsets(const Shape& matrix) {
  return prim::sub(prim::iota(DType::int32, Shape{Dim(1), matrix[1]}, 1),
                   prim::iota(DType::int32, Shape{matrix[0], Dim(1)}, 0));
}

}  // namespace

Tensor eye(int64_t N, std::optional<int64_t> M, int64_t k, DTypeArgument dtype) {
  const Tensor place = offsets(Shape{Dim(N), Dim(M.value_or(N))});
  const DType to = dtype.value_or(config::floatx());
  return prim::cast(prim::equal(place, scalar(static_cast<double>(k), DType::int32)), to);
}

Tensor identity(int64_t n, DTypeArgument dtype) { return eye(n, n, 0, dtype); }

Tensor tri(int64_t N, std::optional<int64_t> M, int64_t k, DTypeArgument dtype) {
  const Tensor place = offsets(Shape{Dim(N), Dim(M.value_or(N))});
  const DType to = dtype.value_or(config::floatx());
  return prim::cast(prim::less_equal(place, scalar(static_cast<double>(k), DType::int32)), to);
}

namespace {

// A vector on a diagonal: row i holds element i at column i, then rows and columns are moved by k.
Tensor on_diagonal(const Tensor& x, int64_t k) {
  const Dim n = x.shape()[0];
  const Tensor place = offsets(Shape{n, n});
  const Tensor matrix =
      prim::select(prim::equal(place, scalar(0, DType::int32)), prim::expand_dims(x, 1), scalar_like(x, 0));
  const int64_t right = std::max<int64_t>(k, 0);
  constexpr int64_t kFarthest = std::numeric_limits<int64_t>::max();
  const int64_t down = k < -kFarthest ? kFarthest : std::max<int64_t>(-k, 0);
  const int64_t low[] = {down, right};
  const int64_t high[] = {right, down};
  return prim::pad(matrix, scalar_like(x, 0), low, high);
}

}  // namespace

Tensor diag(const Tensor& x, int64_t k) {
  if (auto node = symbolic<&diag>(x, k)) return *node;
  if (x.rank() == 1) return on_diagonal(x, k);
  if (x.rank() == 2) return diagonal(x, k);
  fail<ValueError>({"diag", "x must have one or two axes", x.shape().to_string(), ""});
}

Tensor diagflat(const Tensor& x, int64_t k) {
  if (auto node = symbolic<&diagflat>(x, k)) return *node;
  const Tensor plain = as_plain(x);
  return on_diagonal(prim::reshape(plain, Shape{element_count(plain.shape())}), k);
}

Tensor vander(const Tensor& x, std::optional<int64_t> N, bool increasing) {
  if (auto node = symbolic<&vander>(x, N, increasing)) return *node;
  if (x.rank() != 1) fail<ValueError>({"vander", "x must have one axis", x.shape().to_string(), ""});
  const Dim columns = N ? Dim(*N) : x.shape()[0];
  const DType work = result_type({x.promotion_type(), {DType::float32, false}});
  Tensor powers = prim::iota(work, Shape{columns});
  if (!increasing) powers = prim::reverse(powers, {0});
  return prim::cast(prim::pow(prim::expand_dims(prim::cast(x, work), 1), powers), x.dtype());
}

namespace {

// cos(2 pi factor n / (x - 1)) for n = 0 ... x-1.
Tensor window_cosine(int64_t x, double factor) {
  const DType dtype = config::floatx();
  const double period = x > 1 ? static_cast<double>(x - 1) : 1.0;
  const Tensor n = prim::iota(dtype, Shape{Dim(x)});
  return prim::cos(prim::mul(n, scalar(2 * std::numbers::pi * factor / period, dtype)));
}

Tensor cosine_window(int64_t x, double a0, double a1, double a2) {
  if (x < 0)
    fail<ValueError>({"window", "The number of points must not be negative", fmt::format("{}", x), ""});
  if (x == 1) return ones(Shape{1});
  const DType dtype = config::floatx();
  Tensor out = prim::sub(scalar(a0, dtype), prim::mul(scalar(a1, dtype), window_cosine(x, 1)));
  if (a2 != 0) out = prim::add(out, prim::mul(scalar(a2, dtype), window_cosine(x, 2)));
  return out;
}

}  // namespace

Tensor bartlett(int64_t x) {
  if (x <= 1) return ones(Shape{Dim(std::max<int64_t>(x, 0))});
  const DType dtype = config::floatx();
  const Tensor rise =
      prim::mul(prim::iota(dtype, Shape{Dim(x)}), scalar(2.0 / static_cast<double>(x - 1), dtype));
  return prim::minimum(rise, prim::sub(scalar(2, dtype), rise));
}

Tensor blackman(int64_t x) { return cosine_window(x, 0.42, 0.5, 0.08); }
Tensor hamming(int64_t x) { return cosine_window(x, 0.54, 0.46, 0); }
Tensor hanning(int64_t x) { return cosine_window(x, 0.5, 0.5, 0); }

Tensor kaiser(int64_t x, double beta) {
  if (x <= 1) return ones(Shape{Dim(std::max<int64_t>(x, 0))});
  const DType dtype = config::floatx();
  const Tensor place =
      prim::sub(prim::mul(prim::iota(dtype, Shape{Dim(x)}), scalar(2.0 / static_cast<double>(x - 1), dtype)),
                scalar(1, dtype));
  const Tensor inside = prim::maximum(prim::sub(scalar(1, dtype), prim::mul(place, place)), scalar(0, dtype));
  return prim::div(i0(prim::mul(prim::sqrt(inside), scalar(beta, dtype))), i0(scalar(beta, dtype)));
}

}  // namespace keras::ops
