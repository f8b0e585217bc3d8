// SPDX-License-Identifier: Apache-2.0
// Rules of batch, layer and RMS normalization. Statistics are computed in float32 (float64 for float64).
#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "ops/mean_over.h"
#include "ops/primitives.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

Axes list(const keras_list& axes) {
  Axes out;
  for (const int64_t a : items(axes)) out.push_back(static_cast<int>(a));
  return out;
}

bool listed(const keras_list& axes, int64_t axis) {
  for (const int64_t a : items(axes)) {
    if (a == axis) return true;
  }
  return false;
}

Axes others(const keras_list& axes, int rank) {
  Axes out;
  for (int a = 0; a < rank; ++a) {
    if (!listed(axes, a)) out.push_back(a);
  }
  return out;
}

// The dimensions of the listed axes (or of all others), in order.
Shape dims_of(const Shape& x, const keras_list& axes, bool inside) {
  Shape out;
  for (size_t a = 0; a < x.size(); ++a) {
    if (listed(axes, static_cast<int64_t>(a)) == inside) out.push_back(x[a]);
  }
  return out;
}

// The same with ones at every other axis, so that it broadcasts against x.
Shape aligned(const Shape& x, const keras_list& axes, bool inside) {
  Shape out = x;
  for (size_t a = 0; a < x.size(); ++a) {
    if (listed(axes, static_cast<int64_t>(a)) != inside) out[a] = 1;
  }
  return out;
}

DType statistics_dtype(DType x) { return x == DType::float64 ? x : DType::float32; }
Tensor to_statistics(const Tensor& x) { return prim::cast(x, statistics_dtype(x.dtype())); }
Tensor raised(const Tensor& x, DType dtype, const Shape& shape) {
  return prim::reshape(prim::cast(x, dtype), shape);
}
Tensor reciprocal_root(const Tensor& variance, double epsilon) {
  return prim::rsqrt(prim::add(variance, prim::scalar_like(variance, epsilon)));
}

void check_axes(const InferContext& c) {
  const auto& axes = c.attrs<NormAttributes>().axes;
  int64_t previous = -1;
  for (const int64_t a : items(axes)) {
    if (a <= previous || a >= c.shape(0).rank()) {
      fail<ValueError>({c.op, "axes must be ascending and exist in x",
                        fmt::format("x {}, axis {}", c.operands[0].to_string(), a), ""});
    }
    previous = a;
  }
  if (!is_float(c.dtype(0)))
    fail<TypeError>({c.op, "x must be a float tensor", c.operands[0].to_string(), "cast it"});
}

void check_vector(const InferContext& c, size_t i, const Shape& wanted, const char* what) {
  bool good = c.shape(i).size() == wanted.size();
  for (size_t a = 0; good && a < wanted.size(); ++a) {
    good = c.shape(i)[a] == wanted[a] || !c.shape(i)[a].known() || !wanted[a].known();
  }
  if (!good) {
    fail<ValueError>({c.op, fmt::format("{} must have shape {}", what, wanted.to_string()),
                      fmt::format("{} for x {}", c.operands[i].to_string(), c.operands[0].to_string()), ""});
  }
}

// The input gradient that all normalizations with mean and variance share: `g` is dy * gamma, `normal` the
// normalized x.
Tensor centered_gradient(const Tensor& g, const Tensor& normal, const Tensor& rstd, const Axes& axes) {
  const Tensor along = prim::mul(normal, mean_over(prim::mul(g, normal), axes, true));
  return prim::mul(rstd, prim::sub(prim::sub(g, mean_over(g, axes, true)), along));
}

// batch_norm_train

void infer_batch_norm_train(InferContext& c) {
  check_axes(c);
  const Shape vector = dims_of(c.shape(0), c.attrs<NormAttributes>().axes, false);
  check_vector(c, 1, vector, "gamma");
  check_vector(c, 2, vector, "beta");
  c.result(c.dtype(0), c.shape(0));
  c.result(statistics_dtype(c.dtype(0)), vector);
  c.result(statistics_dtype(c.dtype(0)), vector);
}

Tensors decompose_batch_norm_train(DecomposeContext& c) {
  const auto& at = c.attrs<NormAttributes>();
  const Axes axes = list(at.axes);
  const Shape row = aligned(c[0].shape(), at.axes, false), vector = dims_of(c[0].shape(), at.axes, false);
  const Tensor x = to_statistics(c[0]);
  const Tensor mean = mean_over(x, axes, true);
  const Tensor centered = prim::sub(x, mean);
  const Tensor variance = mean_over(prim::mul(centered, centered), axes, true);
  const Tensor normal = prim::mul(centered, reciprocal_root(variance, at.epsilon));
  const Tensor y = prim::add(prim::mul(normal, raised(c[1], x.dtype(), row)), raised(c[2], x.dtype(), row));
  return {prim::cast(y, c[0].dtype()), prim::reshape(mean, vector), prim::reshape(variance, vector)};
}

Tensors batch_norm_train_vjp(VjpContext& c) {
  const auto& at = c.attrs<NormAttributes>();
  const Tensor& x = c.operand(0);
  Tensors out(3);
  if (c.grad(0).defined()) {
    Tensors operands{x, c.operand(1), c.result(1), c.result(2), c.grad(0)};
    operands.append(c.residuals.begin(), c.residuals.end());
    out = apply(OpId::batch_norm_train_grad_op, c.attributes, operands);
  }
  // The statistics are results too; usually nothing flows into them.
  const Axes axes = list(at.axes);
  const Shape row = aligned(c.operand_types[0].shape, at.axes, false);
  const auto add_to_x = [&](const Tensor& part) {
    const Tensor dx = prim::broadcast_to(prim::cast(part, x.dtype()), c.operand_types[0].shape);
    out[0] = out[0].defined() ? prim::add(out[0], dx) : dx;
  };
  if (c.grad(1).defined()) {
    add_to_x(prim::div(prim::reshape(c.grad(1), row), count_over(x, axes, c.grad(1).dtype())));
  }
  if (c.grad(2).defined()) {
    const Tensor centered = prim::sub(to_statistics(x), prim::reshape(c.result(1), row));
    const Tensor scale = prim::div(prim::reshape(c.grad(2), row), count_over(x, axes, c.grad(2).dtype()));
    add_to_x(prim::mul(prim::mul(centered, prim::scalar_like(centered, 2.0)), scale));
  }
  return out;
}

void infer_batch_norm_train_grad(InferContext& c) {
  check_axes(c);
  c.result(c.dtype(0), c.shape(0));
  c.result(c.dtype(1), c.shape(1));
  c.result(c.dtype(1), c.shape(1));
}

Tensors decompose_batch_norm_train_grad(DecomposeContext& c) {
  const auto& at = c.attrs<NormAttributes>();
  const Axes axes = list(at.axes);
  const Shape row = aligned(c[0].shape(), at.axes, false);
  const Tensor x = to_statistics(c[0]);
  const Tensor dy = prim::cast(c[4], x.dtype());
  const Tensor rstd = reciprocal_root(prim::reshape(c[3], row), at.epsilon);
  const Tensor normal = prim::mul(prim::sub(x, prim::reshape(c[2], row)), rstd);
  const Tensor g = prim::mul(dy, raised(c[1], x.dtype(), row));
  return {prim::cast(centered_gradient(g, normal, rstd, axes), c[0].dtype()),
          raised(prim::reduce_sum(prim::mul(dy, normal), axes), c[1].dtype(), c[1].shape()),
          raised(prim::reduce_sum(dy, axes), c[1].dtype(), c[1].shape())};
}

// batch_norm_infer

void infer_batch_norm_infer(InferContext& c) {
  check_axes(c);
  const Shape vector = dims_of(c.shape(0), c.attrs<NormAttributes>().axes, false);
  const char* names[] = {"x", "gamma", "beta", "mean", "variance"};
  for (size_t i = 1; i < 5; ++i) check_vector(c, i, vector, names[i]);
  c.result(c.dtype(0), c.shape(0));
}

Tensors decompose_batch_norm_infer(DecomposeContext& c) {
  const auto& at = c.attrs<NormAttributes>();
  const Shape row = aligned(c[0].shape(), at.axes, false);
  const Tensor x = to_statistics(c[0]);
  const Tensor scale =
      prim::mul(raised(c[1], x.dtype(), row), reciprocal_root(raised(c[4], x.dtype(), row), at.epsilon));
  const Tensor centered = prim::sub(x, raised(c[3], x.dtype(), row));
  return {prim::cast(prim::add(prim::mul(centered, scale), raised(c[2], x.dtype(), row)), c[0].dtype())};
}

Tensors batch_norm_infer_vjp(VjpContext& c) {
  const auto& at = c.attrs<NormAttributes>();
  const Axes axes = list(at.axes);
  const Shape row = aligned(c.operand_types[0].shape, at.axes, false);
  const Tensor x = to_statistics(c.operand(0));
  const Tensor dy = prim::cast(c.grad(), x.dtype());
  const Tensor gamma = raised(c.operand(1), x.dtype(), row);
  const Tensor rstd = reciprocal_root(raised(c.operand(4), x.dtype(), row), at.epsilon);
  const auto vector = [&](const Tensor& sum, size_t i) {
    return raised(sum, c.operand_types[i].dtype, c.operand_types[i].shape);
  };
  Tensors out(5);
  if (c.needed[0]) out[0] = prim::cast(prim::mul(dy, prim::mul(gamma, rstd)), c.operand_types[0].dtype);
  const Tensor sum = prim::reduce_sum(dy, axes, true);
  if (c.needed[2]) out[2] = vector(sum, 2);
  if (c.needed[3]) out[3] = vector(prim::neg(prim::mul(sum, prim::mul(gamma, rstd))), 3);
  if (c.needed[1] || c.needed[4]) {
    const Tensor centered = prim::sub(x, raised(c.operand(3), x.dtype(), row));
    const Tensor moment = prim::reduce_sum(prim::mul(dy, centered), axes, true);
    if (c.needed[1]) out[1] = vector(prim::mul(moment, rstd), 1);
    const Tensor cube = prim::mul(rstd, prim::mul(rstd, rstd));
    if (c.needed[4]) {
      out[4] = vector(prim::mul(prim::mul(moment, gamma), prim::mul(cube, prim::scalar_like(x, -0.5))), 4);
    }
  }
  return out;
}

// layer_norm

void infer_layer_norm(InferContext& c) {
  check_axes(c);
  const Shape vector = dims_of(c.shape(0), c.attrs<NormAttributes>().axes, true);
  check_vector(c, 1, vector, "gamma");
  check_vector(c, 2, vector, "beta");
  c.result(c.dtype(0), c.shape(0));
}

Tensors decompose_layer_norm(DecomposeContext& c) {
  const auto& at = c.attrs<NormAttributes>();
  const Axes axes = list(at.axes);
  const Shape row = aligned(c[0].shape(), at.axes, true);
  const Tensor x = to_statistics(c[0]);
  const Tensor mean = mean_over(x, axes, true);
  const Tensor centered = prim::sub(x, mean);
  const Tensor rstd = reciprocal_root(mean_over(prim::mul(centered, centered), axes, true), at.epsilon);
  const Tensor y = prim::add(prim::mul(prim::mul(centered, rstd), raised(c[1], x.dtype(), row)),
                             raised(c[2], x.dtype(), row));
  Tensors out{prim::cast(y, c[0].dtype())};
  if (c.residuals) {
    out.push_back(mean);
    out.push_back(rstd);
  }
  return out;
}

Tensors layer_norm_vjp(VjpContext& c) {
  Tensors operands{c.operand(0), c.operand(1), c.grad()};
  operands.append(c.residuals.begin(), c.residuals.end());
  return apply(OpId::layer_norm_grad_op, c.attributes, operands);
}

void infer_layer_norm_grad(InferContext& c) {
  check_axes(c);
  c.result(c.dtype(0), c.shape(0));
  c.result(c.dtype(1), c.shape(1));
  c.result(c.dtype(1), c.shape(1));
}

Tensors decompose_layer_norm_grad(DecomposeContext& c) {
  const auto& at = c.attrs<NormAttributes>();
  const Axes rest = others(at.axes, c[0].rank());
  const Tensor x = to_statistics(c[0]);
  const Tensor dy = prim::cast(c[2], x.dtype());
  const Tensor& rstd = c[4];
  const Tensor normal = prim::mul(prim::sub(x, c[3]), rstd);
  const Tensor g = prim::mul(dy, raised(c[1], x.dtype(), aligned(c[0].shape(), at.axes, true)));
  return {prim::cast(centered_gradient(g, normal, rstd, list(at.axes)), c[0].dtype()),
          raised(prim::reduce_sum(prim::mul(dy, normal), rest), c[1].dtype(), c[1].shape()),
          raised(prim::reduce_sum(dy, rest), c[1].dtype(), c[1].shape())};
}

// rms_norm

void infer_rms_norm(InferContext& c) {
  check_axes(c);
  check_vector(c, 1, dims_of(c.shape(0), c.attrs<NormAttributes>().axes, true), "gamma");
  c.result(c.dtype(0), c.shape(0));
}

Tensors decompose_rms_norm(DecomposeContext& c) {
  const auto& at = c.attrs<NormAttributes>();
  const Tensor x = to_statistics(c[0]);
  const Tensor rstd = reciprocal_root(mean_over(prim::mul(x, x), list(at.axes), true), at.epsilon);
  const Tensor y =
      prim::mul(prim::mul(x, rstd), raised(c[1], x.dtype(), aligned(c[0].shape(), at.axes, true)));
  Tensors out{prim::cast(y, c[0].dtype())};
  if (c.residuals) out.push_back(rstd);
  return out;
}

Tensors rms_norm_vjp(VjpContext& c) {
  Tensors operands{c.operand(0), c.operand(1), c.grad()};
  operands.append(c.residuals.begin(), c.residuals.end());
  return apply(OpId::rms_norm_grad_op, c.attributes, operands);
}

void infer_rms_norm_grad(InferContext& c) {
  check_axes(c);
  c.result(c.dtype(0), c.shape(0));
  c.result(c.dtype(1), c.shape(1));
}

Tensors decompose_rms_norm_grad(DecomposeContext& c) {
  const auto& at = c.attrs<NormAttributes>();
  const Tensor x = to_statistics(c[0]);
  const Tensor dy = prim::cast(c[2], x.dtype());
  const Tensor& rstd = c[3];
  const Tensor normal = prim::mul(x, rstd);
  const Tensor g = prim::mul(dy, raised(c[1], x.dtype(), aligned(c[0].shape(), at.axes, true)));
  const Tensor along = prim::mul(normal, mean_over(prim::mul(g, normal), list(at.axes), true));
  const Tensor dgamma = prim::reduce_sum(prim::mul(dy, normal), others(at.axes, x.rank()));
  return {prim::cast(prim::mul(rstd, prim::sub(g, along)), c[0].dtype()),
          raised(dgamma, c[1].dtype(), c[1].shape())};
}

// samples

NormAttributes over(std::initializer_list<int64_t> axes, double epsilon = 1e-3) {
  auto at = make_attributes<NormAttributes>();
  at.axes = to_list(axes);
  at.epsilon = epsilon;
  return at;
}

std::vector<OpSample> batch_norm_train_samples() {
  return {
      sample("channels last", {sample_values({3, 2, 2, 3}), sample_positive({3}), sample_values({3}, 0.9)},
             over({0, 1, 2})),
      sample("channels first", {sample_values({4, 3, 2}), sample_positive({3}), sample_values({3}, 0.9)},
             over({0, 2})),
      sample("rank 2", {sample_values({5, 2}), sample_positive({2}), sample_values({2}, 0.9)}, over({0}))};
}

std::vector<OpSample> batch_norm_train_grad_samples() {
  return {sample("channels last",
                 {sample_values({3, 2, 2, 3}), sample_positive({3}), sample_values({3}, 0.1),
                  sample_positive({3}, 0.7), sample_values({3, 2, 2, 3}, 0.9)},
                 over({0, 1, 2}))};
}

std::vector<OpSample> batch_norm_infer_samples() {
  return {sample("channels last",
                 {sample_values({3, 2, 2, 3}), sample_positive({3}), sample_values({3}, 0.9),
                  sample_values({3}, 0.1), sample_positive({3}, 0.7)},
                 over({0, 1, 2})),
          sample("channels first",
                 {sample_values({2, 3, 2}), sample_positive({3}), sample_values({3}, 0.9),
                  sample_values({3}, 0.1), sample_positive({3}, 0.7)},
                 over({0, 2}))};
}

std::vector<OpSample> layer_norm_samples() {
  return {
      sample("last axis", {sample_values({3, 5}), sample_positive({5}), sample_values({5}, 0.9)}, over({1})),
      sample("two axes", {sample_values({2, 3, 4}), sample_positive({3, 4}), sample_values({3, 4}, 0.9)},
             over({1, 2})),
      sample("middle axis", {sample_values({2, 3, 4}), sample_positive({3}), sample_values({3}, 0.9)},
             over({1}))};
}

std::vector<OpSample> rms_norm_samples() {
  return {sample("last axis", {sample_values({3, 5}), sample_positive({5})}, over({1}, 1e-6)),
          sample("two axes", {sample_values({2, 3, 4}), sample_positive({3, 4})}, over({1, 2}, 1e-6))};
}

}  // namespace

KERAS_OP_RULE(batch_norm_train, .infer = infer_batch_norm_train, .vjp = batch_norm_train_vjp,
              .decompose = decompose_batch_norm_train, .samples = batch_norm_train_samples);
KERAS_OP_RULE(batch_norm_train_grad, .infer = infer_batch_norm_train_grad,
              .decompose = decompose_batch_norm_train_grad, .samples = batch_norm_train_grad_samples);
KERAS_OP_RULE(batch_norm_infer, .infer = infer_batch_norm_infer, .vjp = batch_norm_infer_vjp,
              .decompose = decompose_batch_norm_infer, .samples = batch_norm_infer_samples);
KERAS_OP_RULE(layer_norm, .infer = infer_layer_norm, .vjp = layer_norm_vjp, .decompose = decompose_layer_norm,
              .samples = layer_norm_samples);
KERAS_OP_RULE(layer_norm_grad, .infer = infer_layer_norm_grad, .decompose = decompose_layer_norm_grad);
KERAS_OP_RULE(rms_norm, .infer = infer_rms_norm, .vjp = rms_norm_vjp, .decompose = decompose_rms_norm,
              .samples = rms_norm_samples);
KERAS_OP_RULE(rms_norm_grad, .infer = infer_rms_norm_grad, .decompose = decompose_rms_norm_grad);

}  // namespace keras::internal
