// SPDX-License-Identifier: Apache-2.0
// Rules of pool and its gradient.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "ops/primitives.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

Shape pooled_shape(const InferContext& c, const Shape& x, const PoolAttributes& at) {
  const auto received =
      fmt::format("x {}; {}", x.to_string(), attributes_to_string(attribute_table<PoolAttributes>(), &at));
  const auto spatial = static_cast<size_t>(at.window.count);
  if (x.size() != spatial + 2) {
    fail<ValueError>(
        {c.op,
         fmt::format("With a window over {} spatial axes, x must be (N, spatial..., channels) of rank {}",
                     spatial, spatial + 2),
         received, ""});
  }
  if (at.strides.count != at.window.count || at.pad_low.count != at.window.count ||
      at.pad_high.count != at.window.count) {
    fail<ValueError>({c.op, "strides and padding must have one entry per spatial axis", received, ""});
  }
  Shape out{x[0]};
  for (size_t i = 0; i < spatial; ++i) {
    if (at.window.v[i] < 1 || at.strides.v[i] < 1) {
      fail<ValueError>({c.op, "The window and the strides must be positive", received, ""});
    }
    if (at.pad_low.v[i] >= at.window.v[i] || at.pad_high.v[i] >= at.window.v[i]) {
      fail<ValueError>({c.op, "The padding must be smaller than the window", received, ""});
    }
    const Dim padded = x[i + 1] + Dim::from_code(at.pad_low.v[i]) + Dim::from_code(at.pad_high.v[i]);
    if (padded.known() && padded.value() < at.window.v[i]) {
      fail<ValueError>(
          {c.op,
           fmt::format("The padded input must be at least as large as the window, but along spatial axis {} "
                       "they have {} and {}",
                       i, padded.to_string(), at.window.v[i]),
           received, "use a smaller window or padding=\"same\""});
    }
    out.push_back((padded - Dim(at.window.v[i])) / Dim(at.strides.v[i]) + Dim(1));
  }
  out.push_back(x.back());
  return out;
}

void infer_pool(InferContext& c) {
  c.result(c.dtype(0), pooled_shape(c, c.shape(0), c.attrs<PoolAttributes>()));
}

void infer_pool_grad(InferContext& c) {
  pooled_shape(c, c.shape(0), c.attrs<PoolAttributes>());
  if (c.shape(1).size() != c.shape(0).size() || c.shape(2).size() != c.shape(0).size()) {
    fail<ValueError>({c.op, "x, y and dy must have one rank",
                      fmt::format("{}, {}, {}", c.operands[0].to_string(), c.operands[1].to_string(),
                                  c.operands[2].to_string()),
                      ""});
  }
  c.result(c.dtype(0), c.shape(0));
}

Tensors pool_vjp(VjpContext& c) {
  return {apply_op(OpId::pool_grad_op, c.attrs<PoolAttributes>(), {c.operand(0), c.result(), c.grad()})};
}

// The element that each window has at `offset`, for all windows: (N, windows..., C).
Tensor at_offset(const Tensor& padded, const PoolAttributes& at, std::span<const int64_t> offset,
                 const Shape& windows) {
  const size_t rank = windows.size();
  Shape start(rank, Dim(0)), limit = padded.shape();
  SmallVector<int64_t, 6> stride(rank, 1);
  for (size_t i = 0; i + 2 < rank; ++i) {
    start[i + 1] = Dim(offset[i]);
    limit[i + 1] = Dim(offset[i]) + (windows[i + 1] - Dim(1)) * Dim(at.strides.v[i]) + Dim(1);
    stride[i + 1] = at.strides.v[i];
  }
  return prim::slice(padded, start, limit, stride);
}

Tensor pad_spatial(const Tensor& x, const PoolAttributes& at, const Tensor& value) {
  bool any = false;
  SmallVector<int64_t, 6> low(x.shape().size(), 0), high(x.shape().size(), 0), interior(x.shape().size(), 0);
  for (int64_t i = 0; i < at.window.count; ++i) {
    low[static_cast<size_t>(i) + 1] = at.pad_low.v[i];
    high[static_cast<size_t>(i) + 1] = at.pad_high.v[i];
    any = any || at.pad_low.v[i] != 0 || at.pad_high.v[i] != 0;
  }
  return any ? prim::pad(x, value, low, high, interior) : x;
}

// What no element is smaller than.
double lowest(DType dtype) {
  if (is_float(dtype)) return -std::numeric_limits<double>::infinity();
  return is_signed(dtype) ? -std::ldexp(1.0, static_cast<int>(dtype_size(dtype)) * 8 - 1) : 0.0;
}

// pool_grad is linear in dy, and constant in x and y wherever the largest element is unique.
Tensors pool_grad_vjp(VjpContext& c) {
  const auto& at = c.attrs<PoolAttributes>();
  Tensors out(3);
  if (!c.needed[2]) return out;
  if (at.kind == KERAS_POOL_AVERAGE) {
    out[2] = apply_op(OpId::pool_op, at, {c.grad()});
    return out;
  }
  // The cotangent of dx at the first largest element of every window.
  const Shape& windows = c.operand_types[1].shape;
  const Tensor zero = prim::scalar_like(c.grad(), 0.0);
  const Tensor x =
      pad_spatial(c.operand(0), at, prim::scalar_like(c.operand(0), lowest(c.operand(0).dtype())));
  const Tensor g = pad_spatial(c.grad(), at, zero);
  SmallVector<int64_t, 6> offset(static_cast<size_t>(at.window.count), 0);
  Tensor picked, free;
  for (;;) {
    Tensor hit = prim::equal(at_offset(x, at, offset, windows), c.operand(1));
    if (free.defined()) hit = prim::bit_and(hit, free);
    const Tensor here = prim::select(hit, at_offset(g, at, offset, windows), zero);
    picked = picked.defined() ? prim::add(picked, here) : here;
    free = free.defined() ? prim::bit_and(free, prim::bit_not(hit)) : prim::bit_not(hit);
    int64_t axis = at.window.count - 1;
    while (axis >= 0 && ++offset[static_cast<size_t>(axis)] == at.window.v[axis])
      offset[static_cast<size_t>(axis--)] = 0;
    if (axis < 0) break;
  }
  out[2] = picked;
  return out;
}

struct PoolCase {
  const char* name;
  Shape x;
  std::vector<int64_t> window, strides, low, high;
};

std::vector<PoolCase> pool_cases() {
  return {{"1-d", {2, 6, 2}, {2}, {2}, {0}, {0}},
          {"2-d", {1, 4, 6, 2}, {2, 2}, {2, 2}, {0, 0}, {0, 0}},
          {"3-d", {1, 2, 4, 2, 2}, {2, 2, 2}, {2, 2, 2}, {0, 0, 0}, {0, 0, 0}},
          {"overlapping", {1, 5, 5, 2}, {3, 2}, {1, 2}, {0, 0}, {0, 0}},
          {"stride beyond the window", {1, 7, 3}, {2}, {3}, {0}, {0}},
          {"padding", {1, 4, 5, 1}, {3, 2}, {2, 2}, {1, 0}, {1, 1}}};
}

PoolAttributes attributes_of(const PoolCase& k, int64_t kind) {
  auto at = make_attributes<PoolAttributes>();
  at.kind = kind;
  at.window = to_list(k.window);
  at.strides = to_list(k.strides);
  at.pad_low = to_list(k.low);
  at.pad_high = to_list(k.high);
  return at;
}

std::vector<OpSample> pool_samples() {
  std::vector<OpSample> out;
  for (const int64_t kind : {KERAS_POOL_MAX, KERAS_POOL_AVERAGE}) {
    for (const auto& k : pool_cases()) {
      out.push_back(sample(fmt::format("{} {}", kind == KERAS_POOL_MAX ? "max" : "average", k.name),
                           {sample_values(k.x)}, attributes_of(k, kind)));
    }
  }
  return out;
}

std::vector<OpSample> pool_grad_samples() {
  std::vector<OpSample> out;
  for (const int64_t kind : {KERAS_POOL_MAX, KERAS_POOL_AVERAGE}) {
    for (const auto& k : pool_cases()) {
      const auto at = attributes_of(k, kind);
      const Tensor x = sample_values(k.x);
      const Tensor y = apply_op(OpId::pool_op, at, {x});
      // y is a function of x, so a difference quotient over it alone would leave the op's domain.
      out.push_back(sample(fmt::format("{} {}", kind == KERAS_POOL_MAX ? "max" : "average", k.name),
                           {x, y, sample_values(y.shape(), 0.9)}, at, kind == KERAS_POOL_AVERAGE));
    }
  }
  return out;
}

}  // namespace

KERAS_OP_RULE(pool, .infer = infer_pool, .vjp = pool_vjp, .samples = pool_samples);
KERAS_OP_RULE(pool_grad, .infer = infer_pool_grad, .vjp = pool_grad_vjp, .samples = pool_grad_samples);

}  // namespace keras::internal
