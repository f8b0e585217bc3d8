// SPDX-License-Identifier: Apache-2.0
// Rules of resize and its gradient: two products with the constant weights of the axes.
#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/base/host_memory.h"
#include "keras/runtime/interpreter.h"
#include "keras/tensor/host_buffer.h"
#include "ops/primitives.h"
#include "ops/resize_weights.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

void check(const InferContext& c) {
  const auto& at = c.attrs<ResizeAttributes>();
  const auto received = fmt::format("{}; {}", c.operands[0].to_string(),
                                    attributes_to_string(attribute_table<ResizeAttributes>(), &at));
  if (c.shape(0).rank() != 4) fail<ValueError>({c.op, "Images must be (N, H, W, C)", received, ""});
  if (at.size.count != 2 || at.size.v[0] < 1 || at.size.v[1] < 1) {
    fail<ValueError>({c.op, "size must be a positive height and width", received, ""});
  }
  // Backends make a table of weights for each axis.
  for (const int64_t extent : items(at.size)) host_entries(c.op, sizeof(double), {extent});
  if (!is_float(c.dtype(0)) && at.interpolation != KERAS_NEAREST) {
    fail<TypeError>({c.op, "Only nearest-neighbour resizing works on integers", received, "cast to float32"});
  }
}

void infer_resize(InferContext& c) {
  check(c);
  const auto& at = c.attrs<ResizeAttributes>();
  c.result(c.dtype(0), Shape{c.shape(0)[0], Dim(at.size.v[0]), Dim(at.size.v[1]), c.shape(0)[3]});
}

void infer_resize_grad(InferContext& c) {
  check(c);
  const auto& at = c.attrs<ResizeAttributes>();
  c.result(c.dtype(0), Shape{c.shape(0)[0], Dim(at.input_size.v[0]), Dim(at.input_size.v[1]), c.shape(0)[3]});
}

int64_t known(const Tensor& x, int axis) {
  if (!x.dim(axis).known()) {
    fail<UnsupportedError>({"resize", "The extents of the images must be known", x.shape().to_string(), ""});
  }
  return x.dim(axis).value();
}

Tensor weights(int64_t inputs, int64_t outputs, const ResizeAttributes& at, DType dtype) {
  const auto values = resize_weights(inputs, outputs, at.interpolation, at.antialias != 0);
  return host_cast(Tensor::from(values, Shape{outputs, inputs}), dtype);
}

// (N, H, W, C) with H and W contracted with axis `in` of the matrices.
Tensor both_axes(const Tensor& x, const Tensor& rows, const Tensor& columns, int64_t in) {
  const Tensor tall = prim::transpose(prim::dot_general(rows, x, {in}, {1}), {1, 0, 2, 3});
  return prim::transpose(prim::dot_general(columns, tall, {in}, {2}), {1, 2, 0, 3});
}

Tensors decompose_resize(DecomposeContext& c) {
  const auto& at = c.attrs<ResizeAttributes>();
  const int64_t h = known(c[0], 1), w = known(c[0], 2);
  if (at.interpolation == KERAS_NEAREST) {
    const Tensor rows = prim::gather(c[0], Tensor::from(nearest_indices(h, at.size.v[0])), 1);
    return {prim::gather(rows, Tensor::from(nearest_indices(w, at.size.v[1])), 2)};
  }
  return {both_axes(c[0], weights(h, at.size.v[0], at, c[0].dtype()),
                    weights(w, at.size.v[1], at, c[0].dtype()), 1)};
}

Tensors resize_vjp(VjpContext& c) {
  auto at = c.attrs<ResizeAttributes>();
  const Shape& x = c.operand_types[0].shape;
  at.input_size = to_list({x[1].value(), x[2].value()});
  return {apply_op(OpId::resize_grad_op, at, {c.grad()})};
}

Tensors decompose_resize_grad(DecomposeContext& c) {
  const auto& at = c.attrs<ResizeAttributes>();
  return {both_axes(c[0], weights(at.input_size.v[0], at.size.v[0], at, c[0].dtype()),
                    weights(at.input_size.v[1], at.size.v[1], at, c[0].dtype()), 0)};
}

Tensors resize_grad_vjp(VjpContext& c) {
  auto at = c.attrs<ResizeAttributes>();
  at.input_size = keras_list{};
  return {apply_op(OpId::resize_op, at, {c.grad()})};
}

std::vector<ResizeAttributes> cases(int64_t h, int64_t w, bool with_input) {
  std::vector<ResizeAttributes> out;
  for (const int64_t method :
       {KERAS_NEAREST, KERAS_BILINEAR, KERAS_BICUBIC, KERAS_LANCZOS3, KERAS_LANCZOS5, KERAS_AREA}) {
    for (const bool antialias : {false, true}) {
      auto at = make_attributes<ResizeAttributes>();
      at.interpolation = method;
      at.antialias = antialias ? 1 : 0;
      at.size = to_list({h, w});
      if (with_input) at.input_size = to_list({5, 4});
      out.push_back(at);
    }
  }
  return out;
}

std::vector<OpSample> resize_samples() {
  std::vector<OpSample> out;
  for (const auto& at : cases(3, 7, false)) {
    out.push_back(sample(fmt::format("method {} antialias {}", at.interpolation, at.antialias),
                         {sample_values({2, 5, 4, 2})}, at));
  }
  return out;
}

std::vector<OpSample> resize_grad_samples() {
  std::vector<OpSample> out;
  for (const auto& at : cases(3, 7, true)) {
    out.push_back(sample(fmt::format("method {} antialias {}", at.interpolation, at.antialias),
                         {sample_values({2, 3, 7, 2})}, at));
  }
  return out;
}

}  // namespace

KERAS_OP_RULE(resize, .infer = infer_resize, .vjp = resize_vjp, .decompose = decompose_resize,
              .samples = resize_samples);
KERAS_OP_RULE(resize_grad, .infer = infer_resize_grad, .vjp = resize_grad_vjp,
              .decompose = decompose_resize_grad, .samples = resize_grad_samples);

}  // namespace keras::internal
