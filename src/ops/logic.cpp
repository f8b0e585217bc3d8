// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/logic.h"

#include <fmt/format.h>

#include <limits>

#include "keras/base/error.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

namespace prim = internal::prim;
using internal::as_dtype;
using internal::as_plain;
using internal::promote;
using internal::symbolic;
using prim::scalar_like;

namespace {

Tensor as_bool(const Tensor& x) { return as_dtype(x, DType::bool_); }
Tensor everywhere(const Tensor& x, bool value) { return prim::full(x.shape(), value ? 1 : 0, DType::bool_); }
bool is_whole(DType dtype) { return is_integer(dtype) || dtype == DType::bool_; }
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Tensor close(const Tensor& x1, const Tensor& x2, double rtol, double atol, bool equal_nan) {
  const auto [a, b] = promote(x1, x2);
  const Tensor same = prim::equal(a, b);
  if (!is_float(a.dtype())) return same;
  const Tensor finite = prim::bit_and(prim::is_finite(a), prim::is_finite(b));
  const Tensor bound = prim::add(scalar_like(a, atol), prim::mul(scalar_like(a, rtol), prim::abs(b)));
  const Tensor near = prim::less_equal(prim::abs(prim::sub(a, b)), bound);
  Tensor out = prim::bit_or(prim::bit_and(finite, near), same);
  if (equal_nan) out = prim::bit_or(out, prim::bit_and(prim::not_equal(a, a), prim::not_equal(b, b)));
  return out;
}

}  // namespace

#define KERAS_COMPARISON(name)                             \
  Tensor name(const Tensor& x1, const Tensor& x2) {        \
    if (auto node = symbolic<&name>(x1, x2)) return *node; \
    const auto [a, b] = promote(x1, x2);                   \
    return prim::name(a, b);                               \
  }
KERAS_COMPARISON(equal)
KERAS_COMPARISON(not_equal)
KERAS_COMPARISON(less)
KERAS_COMPARISON(less_equal)
KERAS_COMPARISON(greater)
KERAS_COMPARISON(greater_equal)
#undef KERAS_COMPARISON

Tensor isclose(const Tensor& x1, const Tensor& x2, double rtol, double atol, bool equal_nan) {
  if (auto node = symbolic<&isclose>(x1, x2, rtol, atol, equal_nan)) return *node;
  return close(x1, x2, rtol, atol, equal_nan);
}

Tensor allclose(const Tensor& x1, const Tensor& x2, double rtol, double atol, bool equal_nan) {
  if (auto node = symbolic<&allclose>(x1, x2, rtol, atol, equal_nan)) return *node;
  const Tensor flags = close(x1, x2, rtol, atol, equal_nan);
  return prim::logical_all(flags, prim::all_axes(flags.rank()));
}

Tensor isin(const Tensor& x1, const Tensor& x2, bool assume_unique, bool invert) {
  if (auto node = symbolic<&isin>(x1, x2, assume_unique, invert)) return *node;
  const auto [a, b] = promote(x1, x2);
  const Tensor list = prim::reshape(b, Shape{element_count(b.shape())});
  if (list.shape()[0] == Dim(0)) return everywhere(a, invert);
  const Tensor found = prim::logical_any(prim::equal(prim::expand_dims(a, a.rank()), list), Axes{a.rank()});
  return invert ? prim::bit_not(found) : found;
}

Tensor isfinite(const Tensor& x) {
  if (auto node = symbolic<&isfinite>(x)) return *node;
  return is_whole(x.dtype()) ? everywhere(x, true) : prim::is_finite(as_plain(x));
}

Tensor isinf(const Tensor& x) {
  if (auto node = symbolic<&isinf>(x)) return *node;
  if (is_whole(x.dtype())) return everywhere(x, false);
  const Tensor size = prim::abs(as_plain(x));
  return prim::equal(size, scalar_like(size, kInfinity));
}

Tensor isnan(const Tensor& x) {
  if (auto node = symbolic<&isnan>(x)) return *node;
  if (is_whole(x.dtype())) return everywhere(x, false);
  const Tensor plain = as_plain(x);
  return prim::not_equal(plain, plain);
}

Tensor isneginf(const Tensor& x) {
  if (auto node = symbolic<&isneginf>(x)) return *node;
  if (is_whole(x.dtype())) return everywhere(x, false);
  const Tensor plain = as_plain(x);
  return prim::equal(plain, scalar_like(plain, -kInfinity));
}

Tensor isposinf(const Tensor& x) {
  if (auto node = symbolic<&isposinf>(x)) return *node;
  if (is_whole(x.dtype())) return everywhere(x, false);
  const Tensor plain = as_plain(x);
  return prim::equal(plain, scalar_like(plain, kInfinity));
}

Tensor isreal(const Tensor& x) {
  if (auto node = symbolic<&isreal>(x)) return *node;
  if (!is_complex(x.dtype())) return everywhere(x, true);
  const Tensor part = prim::imag(x);
  return prim::equal(part, scalar_like(part, 0));
}

Tensor logical_and(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&logical_and>(x1, x2)) return *node;
  return prim::bit_and(as_bool(x1), as_bool(x2));
}

Tensor logical_or(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&logical_or>(x1, x2)) return *node;
  return prim::bit_or(as_bool(x1), as_bool(x2));
}

Tensor logical_xor(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&logical_xor>(x1, x2)) return *node;
  return prim::bit_xor(as_bool(x1), as_bool(x2));
}

Tensor logical_not(const Tensor& x) {
  if (auto node = symbolic<&logical_not>(x)) return *node;
  return prim::bit_not(as_bool(x));
}

Tensor all(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&all>(x, axis, keepdims)) return *node;
  return prim::logical_all(as_bool(x), axis.resolve("all", x.rank()), keepdims);
}

Tensor any(const Tensor& x, const Axis& axis, bool keepdims) {
  if (auto node = symbolic<&any>(x, axis, keepdims)) return *node;
  return prim::logical_any(as_bool(x), axis.resolve("any", x.rank()), keepdims);
}

Tensor where(const Tensor& condition, const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&where>(condition, x1, x2)) return *node;
  if (!x1.defined() || !x2.defined()) {
    internal::fail<ValueError>({"where", "Both x1 and x2 must be given", "an undefined tensor",
                                "ops::nonzero gives the places where a condition holds"});
  }
  const auto [a, b] = promote(x1, x2);
  return prim::select(as_bool(condition), a, b);
}

Tensor select(const std::vector<Tensor>& condlist, const std::vector<Tensor>& choicelist,
              const Tensor& default_value) {
  if (auto node = symbolic<&select>(condlist, choicelist, default_value)) return *node;
  if (condlist.size() != choicelist.size() || condlist.empty()) {
    internal::fail<ValueError>({"select", "There must be as many choices as conditions, and at least one",
                                fmt::format("{} conditions, {} choices", condlist.size(), choicelist.size()),
                                ""});
  }
  std::vector<Tensor> values = choicelist;
  values.push_back(default_value);
  values = promote(values);
  Tensor out = values.back();
  for (size_t i = condlist.size(); i-- > 0;) out = prim::select(as_bool(condlist[i]), values[i], out);
  return out;
}

}  // namespace keras::ops
