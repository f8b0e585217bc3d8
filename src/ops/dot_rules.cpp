// SPDX-License-Identifier: Apache-2.0
// Rules of dot_general and linear.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "ops/fused_activation.h"
#include "ops/primitives.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

using AxisList = SmallVector<int64_t, 6>;

bool contains(std::span<const int64_t> axes, int64_t axis) {
  return std::find(axes.begin(), axes.end(), axis) != axes.end();
}

int64_t index_of(std::span<const int64_t> axes, int64_t axis) {
  return std::find(axes.begin(), axes.end(), axis) - axes.begin();
}

AxisList free_axes(int rank, std::span<const int64_t> contract, std::span<const int64_t> batch) {
  AxisList out;
  for (int64_t a = 0; a < rank; ++a) {
    if (!contains(contract, a) && !contains(batch, a)) out.push_back(a);
  }
  return out;
}

AxisList axis_range(int64_t first, int64_t count) {
  AxisList out(static_cast<size_t>(count));
  std::iota(out.begin(), out.end(), first);
  return out;
}

std::string describe(const InferContext& c) {
  return fmt::format("{}, {}; {}", c.operands[0].to_string(), c.operands[1].to_string(),
                     attributes_to_string(attribute_table<DotAttributes>(), c.attributes));
}

// True when two extents can be equal.
bool fits(Dim a, Dim b) { return a == b || !a.known() || !b.known(); }

void infer_dot(InferContext& c) {
  const auto& at = c.attrs<DotAttributes>();
  const auto lc = items(at.lhs_contract), rc = items(at.rhs_contract);
  const auto lb = items(at.lhs_batch), rb = items(at.rhs_batch);
  if (lc.size() != rc.size() || lb.size() != rb.size()) {
    fail<ValueError>(
        {c.op, "Both operands must have as many contracted and as many batch axes", describe(c), ""});
  }
  if (c.dtype(0) != c.dtype(1)) {
    fail<TypeError>({c.op, "Both operands must have one dtype", describe(c), "cast one of them"});
  }
  const auto check = [&](std::span<const int64_t> left, std::span<const int64_t> right, const char* what) {
    for (size_t i = 0; i < left.size(); ++i) {
      if (left[i] < 0 || left[i] >= c.shape(0).rank() || right[i] < 0 || right[i] >= c.shape(1).rank()) {
        fail<ValueError>({c.op, "Axes must exist in their operand", describe(c), ""});
      }
      const Dim a = c.shape(0)[static_cast<size_t>(left[i])];
      const Dim b = c.shape(1)[static_cast<size_t>(right[i])];
      if (!fits(a, b)) {
        fail<ValueError>(
            {c.op,
             fmt::format("The {} axes must have one extent, but axis {} of the left operand has {} and "
                         "axis {} of the right one has {}",
                         what, left[i], a.to_string(), right[i], b.to_string()),
             describe(c), ""});
      }
    }
  };
  check(lc, rc, "contracted");
  check(lb, rb, "batch");
  Shape out;
  for (size_t i = 0; i < lb.size(); ++i) {
    const Dim a = c.shape(0)[static_cast<size_t>(lb[i])];
    out.push_back(a.known()                                        ? a
                  : c.shape(1)[static_cast<size_t>(rb[i])].known() ? c.shape(1)[static_cast<size_t>(rb[i])]
                                                                   : a);
  }
  for (const int64_t a : free_axes(c.shape(0).rank(), lc, lb))
    out.push_back(c.shape(0)[static_cast<size_t>(a)]);
  for (const int64_t a : free_axes(c.shape(1).rank(), rc, rb))
    out.push_back(c.shape(1)[static_cast<size_t>(a)]);
  c.result(c.dtype(0), out);
}

Tensor dot(const Tensor& a, const Tensor& b, std::span<const int64_t> lc, std::span<const int64_t> rc,
           std::span<const int64_t> lb, std::span<const int64_t> rb) {
  auto at = make_attributes<DotAttributes>();
  at.lhs_contract = to_list(lc);
  at.rhs_contract = to_list(rc);
  at.lhs_batch = to_list(lb);
  at.rhs_batch = to_list(rb);
  return prim::dot_general(a, b, at);
}

// Axes of `value` reordered so that axis i of the result is axis position[i].
Tensor permuted(const Tensor& value, const AxisList& position) {
  Axes permutation;
  for (const int64_t p : position) permutation.push_back(static_cast<int>(p));
  return prim::transpose(value, permutation);
}

Tensors dot_vjp(VjpContext& c) {
  const auto& at = c.attrs<DotAttributes>();
  const auto lc = items(at.lhs_contract), rc = items(at.rhs_contract);
  const auto lb = items(at.lhs_batch), rb = items(at.rhs_batch);
  const int left_rank = c.operand_types[0].shape.rank(), right_rank = c.operand_types[1].shape.rank();
  const AxisList left_free = free_axes(left_rank, lc, lb), right_free = free_axes(right_rank, rc, rb);
  const auto batch = static_cast<int64_t>(lb.size());
  const auto nl = static_cast<int64_t>(left_free.size()), nr = static_cast<int64_t>(right_free.size());
  const Tensor& dy = c.grad();
  Tensors out(2);
  if (c.needed[0]) {
    // dy's right free axes against the right operand's: (batch, left free, right contracted in ascending
    // order).
    const Tensor da = dot(dy, c.operand(1), axis_range(batch + nl, nr), right_free, axis_range(0, batch), rb);
    AxisList rc_sorted(rc.begin(), rc.end());
    std::sort(rc_sorted.begin(), rc_sorted.end());
    AxisList position;
    for (int64_t a = 0; a < left_rank; ++a) {
      if (contains(lb, a)) {
        position.push_back(index_of(lb, a));
      } else if (contains(lc, a)) {
        position.push_back(batch + nl + index_of(rc_sorted, rc[static_cast<size_t>(index_of(lc, a))]));
      } else {
        position.push_back(batch + index_of(left_free, a));
      }
    }
    out[0] = permuted(da, position);
  }
  if (c.needed[1]) {
    // The left operand's free axes against dy's: (batch, left contracted in ascending order, right free).
    const Tensor db = dot(c.operand(0), dy, left_free, axis_range(batch, nl), lb, axis_range(0, batch));
    AxisList lc_sorted(lc.begin(), lc.end());
    std::sort(lc_sorted.begin(), lc_sorted.end());
    const auto nc = static_cast<int64_t>(lc.size());
    AxisList position;
    for (int64_t a = 0; a < right_rank; ++a) {
      if (contains(rb, a)) {
        position.push_back(index_of(rb, a));
      } else if (contains(rc, a)) {
        position.push_back(batch + index_of(lc_sorted, lc[static_cast<size_t>(index_of(rc, a))]));
      } else {
        position.push_back(batch + nc + index_of(right_free, a));
      }
    }
    out[1] = permuted(db, position);
  }
  return out;
}

DotAttributes dot_attributes(std::initializer_list<int64_t> lc, std::initializer_list<int64_t> rc,
                             std::initializer_list<int64_t> lb = {}, std::initializer_list<int64_t> rb = {}) {
  auto at = make_attributes<DotAttributes>();
  at.lhs_contract = to_list(lc);
  at.rhs_contract = to_list(rc);
  at.lhs_batch = to_list(lb);
  at.rhs_batch = to_list(rb);
  return at;
}

std::vector<OpSample> dot_samples() {
  const auto v = [](const Shape& s, double phase) { return sample_values(s, phase); };
  return {sample("matrices", {v({3, 4}, 0.1), v({4, 2}, 0.2)}, dot_attributes({1}, {0})),
          sample("left transposed", {v({4, 3}, 0.1), v({4, 2}, 0.2)}, dot_attributes({0}, {0})),
          sample("right transposed", {v({3, 4}, 0.1), v({2, 4}, 0.2)}, dot_attributes({1}, {1})),
          sample("batch", {v({2, 3, 4}, 0.1), v({2, 4, 5}, 0.2)}, dot_attributes({2}, {1}, {0}, {0})),
          sample("batch in the middle", {v({2, 3, 2, 4}, 0.1), v({2, 5, 2, 4}, 0.2)},
                 dot_attributes({3}, {3}, {0, 2}, {0, 2})),
          sample("two contracted, crossed", {v({2, 3, 4}, 0.1), v({4, 5, 3}, 0.2)},
                 dot_attributes({1, 2}, {2, 0})),
          sample("vectors", {v({5}, 0.1), v({5}, 0.2)}, dot_attributes({0}, {0})),
          sample("outer product", {v({3}, 0.1), v({2}, 0.2)}, dot_attributes({}, {}))};
}

// linear

void infer_linear(InferContext& c) {
  if (c.operands.size() != 2 && c.operands.size() != 3) {
    fail<ValueError>(
        {c.op, "The op takes x, w and optionally b", fmt::format("{} operands", c.operands.size()), ""});
  }
  const Shape& x = c.shape(0);
  const Shape& w = c.shape(1);
  const auto received = fmt::format("x {}, w {}", c.operands[0].to_string(), c.operands[1].to_string());
  if (x.rank() < 1 || w.rank() != 2 || !fits(x.back(), w[0])) {
    fail<ValueError>({c.op, "The last axis of x must be as long as the first of the matrix w", received, ""});
  }
  if (c.operands.size() == 3 && (c.shape(2).rank() != 1 || !fits(c.shape(2)[0], w[1]))) {
    fail<ValueError>(
        {c.op, "b must have one element per column of w", received + ", b " + c.operands[2].to_string(), ""});
  }
  for (const auto& operand : c.operands) {
    if (operand.dtype != c.dtype(0))
      fail<TypeError>({c.op, "All operands must have one dtype", received, ""});
  }
  Shape out = x;
  out[out.size() - 1] = w[1];
  c.result(c.dtype(0), out);
}

Tensor pre_activation(std::span<const Tensor> operands) {
  const int last = operands[0].rank() - 1;
  Tensor z = prim::dot_general(operands[0], operands[1], {last}, {0});
  if (operands.size() == 3) z = prim::add(z, operands[2]);
  return z;
}

Tensors decompose_linear(DecomposeContext& c) {
  const auto& at = c.attrs<ActivationAttributes>();
  return {activate(pre_activation(c.operands), at.activation, at.alpha)};
}

Axes leading_axes(int64_t count) {
  Axes out;
  for (int a = 0; a < count; ++a) out.push_back(a);
  return out;
}

Tensors linear_vjp(VjpContext& c) {
  const auto& at = c.attrs<ActivationAttributes>();
  const bool from_result = gradient_from_result(at.activation);
  const Tensor z = from_result ? Tensor() : pre_activation(c.operands);
  const Tensor dz = activation_gradient(z, c.result(), c.grad(), at.activation, at.alpha);
  const int64_t leading = c.operand_types[0].shape.rank() - 1;
  const AxisList rows = axis_range(0, leading);
  Tensors out(c.operands.size());
  if (c.needed[0]) out[0] = prim::dot_general(dz, c.operand(1), {leading}, {1});
  if (c.needed[1]) out[1] = dot(c.operand(0), dz, rows, rows, {}, {});
  if (out.size() == 3 && c.needed[2])
    out[2] = leading == 0 ? dz : prim::reduce_sum(dz, leading_axes(leading));
  return out;
}

std::vector<OpSample> linear_samples() {
  std::vector<OpSample> out;
  for (int64_t a = KERAS_ACT_LINEAR; a <= KERAS_ACT_HARD_SIGMOID; ++a) {
    auto at = make_attributes<ActivationAttributes>();
    at.activation = a;
    at.alpha = a == KERAS_ACT_ELU ? 1.0 : a == KERAS_ACT_LEAKY_RELU ? 0.2 : 0.0;
    out.push_back(sample(fmt::format("activation {}", a),
                         {sample_values({3, 4}), sample_values({4, 2}, 0.7), sample_values({2}, 0.2)}, at));
  }
  auto plain = make_attributes<ActivationAttributes>();
  out.push_back(sample("no bias", {sample_values({2, 3, 4}), sample_values({4, 2}, 0.7)}, plain));
  plain.activation = KERAS_ACT_GELU;
  out.push_back(sample(
      "rank 3", {sample_values({2, 3, 4}), sample_values({4, 2}, 0.7), sample_values({2}, 0.2)}, plain));
  return out;
}

}  // namespace

KERAS_OP_RULE(dot_general, .infer = infer_dot, .vjp = dot_vjp, .samples = dot_samples);
KERAS_OP_RULE(linear, .infer = infer_linear, .vjp = linear_vjp, .decompose = decompose_linear,
              .samples = linear_samples);

}  // namespace keras::internal
