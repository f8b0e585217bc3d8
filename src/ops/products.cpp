// SPDX-License-Identifier: Apache-2.0
#include "keras/ops/products.h"

#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "keras/ops/manipulation.h"
#include "ops/primitives.h"
#include "ops/promotion.h"
#include "ops/symbolic.h"

namespace keras::ops {

namespace prim = internal::prim;
using internal::as_dtype;
using internal::as_plain;
using internal::fail;
using internal::float_result;
using internal::promote;
using internal::symbolic;

namespace {

Tensor flattened(const Tensor& x) { return prim::reshape(as_plain(x), Shape{element_count(x.shape())}); }

/// Two operands in the dtype of the computation, and the dtype of the result.
struct Factors {
  Tensor a, b;
  DType result;
};

Factors factors(const Tensor& x1, const Tensor& x2) {
  const auto [a, b] = promote(x1, x2);
  const DType work = float_result(a.dtype());
  return {prim::cast(a, work), prim::cast(b, work), a.dtype()};
}

void require_equal(std::string_view where, Dim a, Dim b, const Tensor& x1, const Tensor& x2) {
  if (a == b || !a.known() || !b.known()) return;
  fail<ValueError>({where, "The contracted axes must have one size",
                    x1.shape().to_string() + " and " + x2.shape().to_string(), ""});
}

// Contracts the last axis of a with one axis of b, without shared axes.
Tensor contract(std::string_view where, const Tensor& a, int a_axis, const Tensor& b, int b_axis) {
  require_equal(where, a.dim(a_axis), b.dim(b_axis), a, b);
  return prim::dot_general(a, b, {a_axis}, {b_axis});
}

Tensor batched_product(const Tensor& a, const Tensor& b) {
  require_equal("matmul", a.dim(-1), b.dim(-2), a, b);
  // Batch axes that only one operand has need no broadcasting when the other is a plain matrix.
  if (b.rank() == 2) return prim::dot_general(a, b, {a.rank() - 1}, {0});
  const size_t a_batch = static_cast<size_t>(a.rank()) - 2;
  const size_t b_batch = static_cast<size_t>(b.rank()) - 2;
  const Shape batch = broadcast_shapes("matmul", a.shape().sub(0, a_batch), b.shape().sub(0, b_batch));
  const Tensor left = prim::broadcast_to(a, batch + a.shape().sub(a_batch));
  const Tensor right = prim::broadcast_to(b, batch + b.shape().sub(b_batch));
  auto attributes = internal::make_attributes<DotAttributes>();
  const int n = batch.rank();
  attributes.lhs_contract = internal::to_list({n + 1});
  attributes.rhs_contract = internal::to_list({n});
  attributes.lhs_batch.count = attributes.rhs_batch.count = n;
  for (int i = 0; i < n; ++i) attributes.lhs_batch.v[i] = attributes.rhs_batch.v[i] = i;
  return prim::dot_general(left, right, attributes);
}

bool both_int8(const Tensor& x1, const Tensor& x2) {
  return x1.dtype() == DType::int8 && x2.dtype() == DType::int8;
}

}  // namespace

Tensor matmul(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&matmul>(x1, x2)) return *node;
  if (x1.rank() == 0 || x2.rank() == 0) {
    fail<ValueError>({"matmul", "Both tensors must have at least one axis",
                      x1.shape().to_string() + " and " + x2.shape().to_string(),
                      "multiply by a scalar with *"});
  }
  auto [a, b, result] = factors(x1, x2);
  if (both_int8(x1, x2) && x1.rank() > 1 && x2.rank() > 1) result = DType::int32;
  Tensor out;
  if (b.rank() == 1) {
    out = contract("matmul", a, a.rank() - 1, b, 0);
  } else if (a.rank() == 1) {
    out = contract("matmul", a, 0, b, b.rank() - 2);
  } else {
    out = batched_product(a, b);
  }
  return prim::cast(out, result);
}

Tensor dot(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&dot>(x1, x2)) return *node;
  const auto [a, b, result] = factors(x1, x2);
  if (a.rank() == 0 || b.rank() == 0) return prim::cast(prim::mul(a, b), result);
  return prim::cast(contract("dot", a, a.rank() - 1, b, std::max(b.rank() - 2, 0)), result);
}

Tensor inner(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&inner>(x1, x2)) return *node;
  const auto [a, b, result] = factors(x1, x2);
  if (a.rank() == 0 || b.rank() == 0) return prim::cast(prim::mul(a, b), result);
  return prim::cast(contract("inner", a, a.rank() - 1, b, b.rank() - 1), result);
}

Tensor outer(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&outer>(x1, x2)) return *node;
  const auto [a, b] = promote(x1, x2);
  return prim::mul(prim::expand_dims(flattened(a), 1), flattened(b));
}

Tensor vdot(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&vdot>(x1, x2)) return *node;
  const auto [a, b, result] = factors(x1, x2);
  return prim::cast(contract("vdot", flattened(a), 0, flattened(b), 0), result);
}

Tensor tensordot(const Tensor& x1, const Tensor& x2, const ContractedAxes& axes) {
  if (auto node = symbolic<&tensordot>(x1, x2, axes)) return *node;
  const auto [a, b, result] = factors(x1, x2);
  std::vector<int64_t> left = axes.left();
  std::vector<int64_t> right = axes.right();
  if (!axes.listed()) {
    const int64_t count = axes.count();
    if (count < 0 || count > a.rank() || count > b.rank()) {
      fail<ValueError>(
          {"tensordot", "axes must not be more than either tensor has",
           fmt::format("axes={} for {} and {}", count, a.shape().to_string(), b.shape().to_string()), ""});
    }
    for (int64_t i = 0; i < count; ++i) {
      left.push_back(a.rank() - count + i);
      right.push_back(i);
    }
  }
  if (left.size() != right.size()) {
    fail<ValueError>({"tensordot", "Both lists of axes must have one length",
                      fmt::format("{} and {}", left.size(), right.size()), ""});
  }
  for (size_t i = 0; i < left.size(); ++i) {
    left[i] = normalize_axis("tensordot", left[i], a.rank());
    right[i] = normalize_axis("tensordot", right[i], b.rank());
    require_equal("tensordot", a.dim(static_cast<int>(left[i])), b.dim(static_cast<int>(right[i])), a, b);
  }
  auto attributes = internal::make_attributes<DotAttributes>();
  attributes.lhs_contract = internal::to_list(std::span<const int64_t>(left));
  attributes.rhs_contract = internal::to_list(std::span<const int64_t>(right));
  return prim::cast(prim::dot_general(a, b, attributes), result);
}

Tensor kron(const Tensor& x1, const Tensor& x2) {
  if (auto node = symbolic<&kron>(x1, x2)) return *node;
  const auto [a, b] = promote(x1, x2);
  const size_t rank = std::max(a.shape().size(), b.shape().size());
  Shape left = a.shape();
  Shape right = b.shape();
  while (left.size() < rank) left.insert(0, Dim(1));
  while (right.size() < rank) right.insert(0, Dim(1));
  Shape spread_left;
  Shape spread_right;
  Shape out;
  for (size_t i = 0; i < rank; ++i) {
    spread_left.push_back(left[i]);
    spread_left.push_back(Dim(1));
    spread_right.push_back(Dim(1));
    spread_right.push_back(right[i]);
    out.push_back(left[i] * right[i]);
  }
  return prim::reshape(prim::mul(prim::reshape(a, spread_left), prim::reshape(b, spread_right)), out);
}

Tensor cross(const Tensor& x1, const Tensor& x2, int64_t axisa, int64_t axisb, int64_t axisc,
             std::optional<int64_t> axis) {
  if (auto node = symbolic<&cross>(x1, x2, axisa, axisb, axisc, axis)) return *node;
  const auto [p, q] = promote(x1, x2);
  const Tensor a = moveaxis(p, axis.value_or(axisa), -1);
  const Tensor b = moveaxis(q, axis.value_or(axisb), -1);
  const int64_t n = a.dim(-1).value_or(3);
  const int64_t m = b.dim(-1).value_or(3);
  if ((n != 2 && n != 3) || (m != 2 && m != 3)) {
    fail<ValueError>({"cross", "The vectors must have length 2 or 3", fmt::format("{} and {}", n, m), ""});
  }
  const auto part = [](const Tensor& x, int64_t i) { return prim::index_axis(x, x.rank() - 1, Dim(i)); };
  const auto difference = [&](int64_t i, int64_t j) {
    return prim::sub(prim::mul(part(a, i), part(b, j)), prim::mul(part(a, j), part(b, i)));
  };
  const Tensor last = difference(0, 1);
  if (n == 2 && m == 2) return last;
  // A missing third component is 0.
  const auto mixed = [&](int64_t i) {
    if (n == 3 && m == 3) return i == 0 ? difference(1, 2) : difference(2, 0);
    if (n == 3)
      return i == 0 ? prim::neg(prim::mul(part(a, 2), part(b, 1))) : prim::mul(part(a, 2), part(b, 0));
    return i == 0 ? prim::mul(part(a, 1), part(b, 2)) : prim::neg(prim::mul(part(a, 0), part(b, 2)));
  };
  const int at = last.rank();
  const Tensor out = prim::concat(
      {prim::expand_dims(mixed(0), at), prim::expand_dims(mixed(1), at), prim::expand_dims(last, at)}, at);
  return moveaxis(out, -1, axis.value_or(axisc));
}

Tensor correlate(const Tensor& x1, const Tensor& x2, const std::string& mode) {
  if (auto node = symbolic<&correlate>(x1, x2, mode)) return *node;
  if (x1.rank() != 1 || x2.rank() != 1) {
    fail<ValueError>({"correlate", "Both tensors must have one axis",
                      x1.shape().to_string() + " and " + x2.shape().to_string(), ""});
  }
  if (mode != "valid" && mode != "same" && mode != "full") {
    internal::fail_unknown_name("correlate", "mode", mode, {"valid", "same", "full"});
  }
  const DType common = internal::common_dtype({x1, x2});
  const DType work = common == DType::int64 ? DType::float64
                     : common == DType::bfloat16 || common == DType::float16 || common == DType::float64
                         ? common
                         : DType::float32;
  const Dim n = x1.dim(0);
  const Dim m = x2.dim(0);
  const int64_t reach = m.value() - 1;
  auto attributes = internal::make_attributes<ConvAttributes>();
  attributes.strides = internal::to_list({1});
  attributes.dilations = internal::to_list({1});
  attributes.groups = 1;
  const int64_t padding = mode == "valid" ? 0 : reach;
  attributes.pad_low = internal::to_list({padding});
  attributes.pad_high = internal::to_list({padding});
  const Tensor signal = prim::reshape(as_dtype(x1, work), Shape{1, n, 1});
  const Tensor kernel = prim::reshape(as_dtype(x2, work), Shape{m, 1, 1});
  const Tensor full = prim::conv(signal, kernel, attributes);
  const Tensor line = prim::reshape(full, Shape{full.dim(1)});
  if (mode != "same") return line;
  const int64_t length = std::max(n.value(), m.value());
  const int64_t start = (n.value() + reach - length) / 2;
  return prim::slice_axis(line, 0, Dim(start), Dim(start + length));
}

}  // namespace keras::ops
