// SPDX-License-Identifier: Apache-2.0
// Rules of softmax, log_softmax, logsumexp and softmax_cross_entropy.
#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "ops/primitives.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

Axes list(const keras_list& axes) {
  Axes out;
  for (const int64_t a : items(axes)) out.push_back(static_cast<int>(a));
  return out;
}

void check_axes(const InferContext& c, const keras_list& axes) {
  if (axes.count < 1)
    fail<ValueError>({c.op, "At least one axis must be given", c.operands[0].to_string(), ""});
  int64_t previous = -1;
  for (const int64_t a : items(axes)) {
    if (a <= previous || a >= c.shape(0).rank()) {
      fail<ValueError>({c.op, "axes must be ascending and exist in the operand",
                        fmt::format("{}; axis {}", c.operands[0].to_string(), a), ""});
    }
    previous = a;
  }
}

void infer_same(InferContext& c) {
  check_axes(c, c.attrs<AxesAttributes>().axes);
  c.result(c.dtype(0), c.shape(0));
}

// The largest element, through which no gradient flows: it only keeps exp() in range. A row of nothing but
// -inf is shifted by 0, so that its sum is 0 and not NaN.
Tensor shift_of(const Tensor& x, const Axes& axes) {
  const Tensor largest = prim::stop_gradient(prim::reduce_max(x, axes, true));
  return prim::select(prim::is_finite(largest), largest, prim::scalar_like(x, 0.0));
}

Tensors decompose_softmax(DecomposeContext& c) {
  const Axes axes = list(c.attrs<AxesAttributes>().axes);
  const Tensor largest = prim::stop_gradient(prim::reduce_max(c[0], axes, true));
  const Tensor e = prim::exp(prim::sub(c[0], largest));
  return {prim::div(e, prim::reduce_sum(e, axes, true))};
}

Tensors softmax_vjp(VjpContext& c) {
  return {apply_op(OpId::softmax_grad_op, c.attrs<AxesAttributes>(), {c.result(), c.grad()})};
}

Tensors decompose_softmax_grad(DecomposeContext& c) {
  const Axes axes = list(c.attrs<AxesAttributes>().axes);
  const Tensor dot = prim::reduce_sum(prim::mul(c[0], c[1]), axes, true);
  return {prim::mul(c[0], prim::sub(c[1], dot))};
}

Tensors decompose_log_softmax(DecomposeContext& c) {
  const Axes axes = list(c.attrs<AxesAttributes>().axes);
  const Tensor shifted = prim::sub(c[0], prim::stop_gradient(prim::reduce_max(c[0], axes, true)));
  return {prim::sub(shifted, prim::log(prim::reduce_sum(prim::exp(shifted), axes, true)))};
}

Tensors log_softmax_vjp(VjpContext& c) {
  return {apply_op(OpId::log_softmax_grad_op, c.attrs<AxesAttributes>(), {c.result(), c.grad()})};
}

Tensors decompose_log_softmax_grad(DecomposeContext& c) {
  const Axes axes = list(c.attrs<AxesAttributes>().axes);
  return {prim::sub(c[1], prim::mul(prim::exp(c[0]), prim::reduce_sum(c[1], axes, true)))};
}

AxesAttributes over(std::initializer_list<int64_t> axes) {
  auto at = make_attributes<AxesAttributes>();
  at.axes = to_list(axes);
  return at;
}

std::vector<OpSample> softmax_samples() {
  return {sample("last axis", {sample_values({3, 5})}, over({1})),
          sample("middle axis", {sample_values({2, 3, 4})}, over({1})),
          sample("two axes", {sample_values({2, 3, 4})}, over({0, 2}))};
}

std::vector<OpSample> softmax_grad_samples() {
  return {sample("last axis", {sample_positive({3, 5}), sample_values({3, 5}, 0.8)}, over({1})),
          sample("two axes", {sample_positive({2, 3, 4}), sample_values({2, 3, 4}, 0.8)}, over({0, 2}))};
}

// logsumexp

Shape reduced(const Shape& x, const keras_list& axes, bool keepdims) {
  Shape out;
  for (int64_t a = 0; a < x.rank(); ++a) {
    bool gone = false;
    for (const int64_t r : items(axes)) gone = gone || r == a;
    if (!gone) {
      out.push_back(x[static_cast<size_t>(a)]);
    } else if (keepdims) {
      out.push_back(1);
    }
  }
  return out;
}

void infer_logsumexp(InferContext& c) {
  const auto& at = c.attrs<ReduceAttributes>();
  check_axes(c, at.axes);
  c.result(c.dtype(0), reduced(c.shape(0), at.axes, at.keepdims != 0));
}

Tensor logsumexp(const Tensor& x, const Axes& axes, const Shape& result) {
  const Tensor shift = shift_of(x, axes);
  const Tensor sum = prim::reduce_sum(prim::exp(prim::sub(x, shift)), axes, true);
  return prim::reshape(prim::add(prim::log(sum), shift), result);
}

Tensors decompose_logsumexp(DecomposeContext& c) {
  const auto& at = c.attrs<ReduceAttributes>();
  return {logsumexp(c[0], list(at.axes), reduced(c[0].shape(), at.axes, at.keepdims != 0))};
}

Tensors logsumexp_vjp(VjpContext& c) {
  const auto& at = c.attrs<ReduceAttributes>();
  const Shape kept = reduced(c.operand_types[0].shape, at.axes, true);
  const Tensor weights = prim::exp(prim::sub(c.operand(0), prim::reshape(c.result(), kept)));
  return {prim::mul(prim::reshape(c.grad(), kept), weights)};
}

std::vector<OpSample> logsumexp_samples() {
  auto last = make_attributes<ReduceAttributes>();
  last.axes = to_list({1});
  auto two = make_attributes<ReduceAttributes>();
  two.axes = to_list({0, 2});
  two.keepdims = 1;
  return {sample("last axis", {sample_values({3, 5})}, last),
          sample("two axes", {sample_values({2, 3, 4})}, two)};
}

// softmax_cross_entropy

void infer_cross_entropy(InferContext& c) {
  const auto received =
      fmt::format("logits {}, labels {}", c.operands[0].to_string(), c.operands[1].to_string());
  if (!is_integer(c.dtype(1))) fail<TypeError>({c.op, "Labels must be integers", received, ""});
  bool good = c.shape(0).rank() >= 1 && c.shape(1).size() + 1 == c.shape(0).size();
  for (size_t i = 0; good && i < c.shape(1).size(); ++i) {
    const Dim a = c.shape(0)[i], b = c.shape(1)[i];
    good = a == b || !a.known() || !b.known();
  }
  if (!good) {
    fail<ValueError>(
        {c.op, "Labels must have the shape of the logits without their last axis", received, ""});
  }
}

void infer_cross_entropy_forward(InferContext& c) {
  infer_cross_entropy(c);
  c.result(c.dtype(0), c.shape(1));
}

void infer_cross_entropy_grad(InferContext& c) {
  infer_cross_entropy(c);
  c.result(c.dtype(0), c.shape(0));
}

Axes last_axis(const Tensor& x) { return {x.rank() - 1}; }

Shape with_unit(Shape s) {
  s.push_back(1);
  return s;
}

Tensors decompose_cross_entropy(DecomposeContext& c) {
  const Tensor& logits = c[0];
  const Tensor& labels = c[1];
  const Shape rows = logits.shape().sub(0, logits.shape().size() - 1);
  const Tensor lse = logsumexp(logits, last_axis(logits), rows);
  const int axis = logits.rank() - 1;
  const Tensor picked = prim::gather(logits, labels, axis, axis);
  Tensors out{prim::sub(lse, picked)};
  if (c.residuals) out.push_back(lse);
  return out;
}

Tensors cross_entropy_vjp(VjpContext& c) {
  Tensors operands{c.operand(0), c.operand(1), c.grad()};
  operands.append(c.residuals.begin(), c.residuals.end());
  return {std::move(apply(OpId::softmax_cross_entropy_grad_op, c.attributes, operands).front()), Tensor()};
}

Tensors decompose_cross_entropy_grad(DecomposeContext& c) {
  const Tensor& logits = c[0];
  const Tensor& labels = c[1];
  const Shape rows = with_unit(labels.shape());
  const Tensor p = prim::exp(prim::sub(logits, prim::reshape(c[3], rows)));
  const Tensor classes = prim::iota(labels.dtype(), logits.shape(), logits.rank() - 1);
  const Tensor hit = prim::cast(prim::equal(classes, prim::reshape(labels, rows)), logits.dtype());
  return {prim::mul(prim::sub(p, hit), prim::reshape(c[2], rows))};
}

std::vector<OpSample> cross_entropy_samples() {
  const auto none = make_attributes<NoAttributes>();
  return {sample("rows", {sample_values({4, 5}), sample_indices({4}, 5)}, none),
          sample("sequences", {sample_values({2, 3, 4}), sample_indices({2, 3}, 4)}, none)};
}

}  // namespace

KERAS_OP_RULE(softmax, .infer = infer_same, .vjp = softmax_vjp, .decompose = decompose_softmax,
              .samples = softmax_samples);
KERAS_OP_RULE(softmax_grad, .infer = infer_same, .decompose = decompose_softmax_grad,
              .samples = softmax_grad_samples);
KERAS_OP_RULE(log_softmax, .infer = infer_same, .vjp = log_softmax_vjp, .decompose = decompose_log_softmax,
              .samples = softmax_samples);
KERAS_OP_RULE(log_softmax_grad, .infer = infer_same, .decompose = decompose_log_softmax_grad,
              .samples = softmax_grad_samples);
KERAS_OP_RULE(logsumexp, .infer = infer_logsumexp, .vjp = logsumexp_vjp, .decompose = decompose_logsumexp,
              .samples = logsumexp_samples);
KERAS_OP_RULE(softmax_cross_entropy, .infer = infer_cross_entropy_forward, .vjp = cross_entropy_vjp,
              .decompose = decompose_cross_entropy, .samples = cross_entropy_samples);
KERAS_OP_RULE(softmax_cross_entropy_grad, .infer = infer_cross_entropy_grad,
              .decompose = decompose_cross_entropy_grad);

}  // namespace keras::internal
