// SPDX-License-Identifier: Apache-2.0
// Rules of embed and its gradient.
#include <fmt/format.h>

#include "keras/base/error.h"
#include "keras/runtime/interpreter.h"
#include "ops/primitives.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

void infer_embed(InferContext& c) {
  const auto received = fmt::format("table {}, ids {}", c.operands[0].to_string(), c.operands[1].to_string());
  if (c.shape(0).rank() != 2)
    fail<ValueError>({c.op, "The table must be a matrix (rows, width)", received, ""});
  if (!is_integer(c.dtype(1)))
    fail<TypeError>({c.op, "Ids must be integers", received, "cast them to int32"});
  c.result(c.dtype(0), c.shape(1) + Shape{c.shape(0)[1]});
}

Tensors decompose_embed(DecomposeContext& c) { return {prim::gather(c[0], c[1], 0)}; }

Tensors embed_vjp(VjpContext& c) {
  auto at = make_attributes<EmbedAttributes>();
  at.rows = c.operand_types[0].shape[0].value();
  return {apply_op(OpId::embed_grad_op, at, {c.operand(1), c.grad()}), Tensor()};
}

void infer_embed_grad(InferContext& c) {
  const auto received = fmt::format("ids {}, dy {}", c.operands[0].to_string(), c.operands[1].to_string());
  if (c.shape(1).size() != c.shape(0).size() + 1) {
    fail<ValueError>({c.op, "dy must have one axis more than the ids", received, ""});
  }
  if (!is_integer(c.dtype(0))) fail<TypeError>({c.op, "Ids must be integers", received, ""});
  c.result(c.dtype(1), Shape{Dim(c.attrs<EmbedAttributes>().rows), c.shape(1).back()});
}

Tensors decompose_embed_grad(DecomposeContext& c) {
  const Tensor table =
      prim::full(Shape{Dim(c.attrs<EmbedAttributes>().rows), c[1].shape().back()}, 0, c[1].dtype());
  return {prim::scatter(KERAS_SCATTER_ADD, table, prim::reshape(c[0], c[0].shape() + Shape{1}), c[1])};
}

Tensors embed_grad_vjp(VjpContext& c) { return {Tensor(), prim::gather(c.grad(), c.operand(0), 0)}; }

std::vector<OpSample> embed_samples() {
  auto at = make_attributes<EmbedAttributes>();
  at.rows = 5;
  return {sample("sequences", {sample_values({5, 3}), sample_indices({2, 4}, 5)}, at),
          sample("single", {sample_values({5, 3}), sample_indices({}, 5)}, at)};
}

std::vector<OpSample> embed_grad_samples() {
  auto at = make_attributes<EmbedAttributes>();
  at.rows = 6;
  return {sample("repeated ids", {sample_indices({3, 4}, 5), sample_values({3, 4, 2})}, at)};
}

}  // namespace

KERAS_OP_RULE(embed, .infer = infer_embed, .vjp = embed_vjp, .decompose = decompose_embed,
              .samples = embed_samples);
KERAS_OP_RULE(embed_grad, .infer = infer_embed_grad, .vjp = embed_grad_vjp, .decompose = decompose_embed_grad,
              .samples = embed_grad_samples);

}  // namespace keras::internal
