// SPDX-License-Identifier: Apache-2.0
// Rules of the ops that read and write elements at places given by integer tensors, and of dim_size.
#include <fmt/format.h>

#include "keras/base/error.h"
#include "ops/primitives.h"
#include "ops/rules.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

GatherAttributes gather_on(int64_t axis, int64_t batch_dims) {
  auto attributes = make_attributes<GatherAttributes>();
  attributes.axis = axis;
  attributes.batch_dims = batch_dims;
  return attributes;
}

Tensor index_tensor(std::vector<int32_t> values, const Shape& shape) { return Tensor::from(values, shape); }

std::vector<OpSample> scatter_samples() {
  std::vector<OpSample> out;
  const Tensor rows = index_tensor({2, 0, 4}, {3, 1});
  const Tensor repeated = index_tensor({1, 1, 3}, {3, 1});
  const Tensor cells = index_tensor({0, 1, 2, 0}, {2, 2});
  for (int64_t kind = KERAS_SCATTER_SET; kind <= KERAS_SCATTER_MAX; ++kind) {
    auto attributes = make_attributes<ScatterAttributes>();
    attributes.kind = kind;
    const std::string name = "kind " + std::to_string(kind);
    out.push_back(
        sample(name + ", rows", {sample_positive({5, 2}), rows, sample_positive({3, 2}, 1.7)}, attributes));
    out.push_back(
        sample(name + ", cells", {sample_positive({3, 2}), cells, sample_positive({2}, 2.1)}, attributes));
    if (kind == KERAS_SCATTER_SET) continue;  // which of two writes stays is nobody's promise
    out.push_back(
        sample(name + ", repeated", {sample_positive({4}), repeated, sample_positive({3}, 1.7)}, attributes));
  }
  return out;
}

using prim::scalar_like;

Tensor as_numbers(const Tensor& condition, DType dtype) { return prim::cast(condition, dtype); }

// The product of a place's factors is known; that of all but one follows by division, and where factors are
// zero by counting them.
Tensors scatter_product_gradient(const VjpContext& c) {
  const Tensor& x = c.operand(0);
  const Tensor& indices = c.operand(1);
  const Tensor& updates = c.operand(2);
  const Tensor zero = scalar_like(x, 0);
  const Tensor one = scalar_like(x, 1);
  const Tensor zero_x = prim::equal(x, zero);
  const Tensor zero_u = prim::equal(updates, zero);
  const Tensor zeros =
      prim::scatter(KERAS_SCATTER_ADD, as_numbers(zero_x, x.dtype()), indices, as_numbers(zero_u, x.dtype()));
  const Tensor product = prim::scatter(KERAS_SCATTER_MUL, prim::select(zero_x, one, x), indices,
                                       prim::select(zero_u, one, updates));
  const auto without = [&](const Tensor& factor, const Tensor& is_zero, const Tensor& rest,
                           const Tensor& count) {
    const Tensor others = prim::sub(count, as_numbers(is_zero, x.dtype()));
    const Tensor value = prim::div(rest, prim::select(is_zero, one, factor));
    return prim::select(prim::equal(others, zero), value, zero);
  };
  Tensors out(3);
  if (c.needed[0]) out[0] = prim::mul(c.grad(), without(x, zero_x, product, zeros));
  if (c.needed[2]) {
    out[2] = prim::mul(
        prim::gather_nd(c.grad(), indices),
        without(updates, zero_u, prim::gather_nd(product, indices), prim::gather_nd(zeros, indices)));
  }
  return out;
}

// Shared equally among the operand and the updates that reach the extreme.
Tensors scatter_extreme_gradient(const VjpContext& c) {
  const Tensor& indices = c.operand(1);
  const DType dtype = c.grad().dtype();
  const Tensor from_x = as_numbers(prim::equal(c.operand(0), c.result()), dtype);
  const Tensor from_updates =
      as_numbers(prim::equal(c.operand(2), prim::gather_nd(c.result(), indices)), dtype);
  const Tensor share = prim::div(c.grad(), prim::scatter(KERAS_SCATTER_ADD, from_x, indices, from_updates));
  Tensors out(3);
  if (c.needed[0]) out[0] = prim::mul(from_x, share);
  if (c.needed[2]) out[2] = prim::mul(from_updates, prim::gather_nd(share, indices));
  return out;
}

}  // namespace

KERAS_OP_RULE(
    gather,
    .infer =
        [](InferContext& c) {
          const auto& attributes = c.attrs<GatherAttributes>();
          require_kind(c, 0, Kind::any);
          require_kind(c, 1, Kind::integer);
          require_axis(c, attributes.axis);
          require(c,
                  attributes.batch_dims >= 0 && attributes.batch_dims <= attributes.axis &&
                      attributes.batch_dims <= c.shape(1).rank(),
                  "batch_dims must be in [0, axis] and at most the rank of the indices",
                  fmt::format("batch_dims={}, axis={}", attributes.batch_dims, attributes.axis));
          const auto axis = static_cast<size_t>(attributes.axis);
          const auto batch = static_cast<size_t>(attributes.batch_dims);
          Shape out = c.shape(0).sub(0, axis) + c.shape(1).sub(batch) + c.shape(0).sub(axis + 1);
          for (size_t i = 0; i < batch; ++i) out[i] = agree(c, c.shape(0)[i], c.shape(1)[i]);
          c.result(c.dtype(0), out);
        },
    .vjp =
        [](VjpContext& c) {
          const auto& attributes = c.attrs<GatherAttributes>();
          return Tensors{
              gather_gradient(c.grad(), c.operand(1), c.operand_types[0], static_cast<int>(attributes.axis),
                              static_cast<int>(attributes.batch_dims)),
              Tensor()};
        },
    .samples =
        [] {
          return std::vector<OpSample>{
              sample("rows", {sample_values({5, 3}), index_tensor({4, 0, 0}, {3})}, gather_on(0, 0)),
              sample("columns", {sample_values({3, 4}), index_tensor({3, 1, 2, 3}, {2, 2})}, gather_on(1, 0)),
              sample("scalar index", {sample_values({2, 3, 4}), index_tensor({2}, {})}, gather_on(1, 0)),
              sample("batched", {sample_values({2, 5}), index_tensor({4, 0, 1, 3, 3, 2}, {2, 3})},
                     gather_on(1, 1)),
              sample("batched middle", {sample_values({2, 3, 4, 2}), index_tensor({1, 0, 3, 2}, {2, 2})},
                     gather_on(2, 1))};
        });

KERAS_OP_RULE(
    scatter,
    .infer =
        [](InferContext& c) {
          const int64_t kind = c.attrs<ScatterAttributes>().kind;
          require(c, kind >= KERAS_SCATTER_SET && kind <= KERAS_SCATTER_MAX,
                  "The kind must be one of keras_scatter");
          if (kind >= KERAS_SCATTER_MIN) {
            require_kind(c, 0, Kind::real);
          } else {
            require_kind(c, 0, kind == KERAS_SCATTER_SET ? Kind::any : Kind::numeric);
          }
          require_kind(c, 1, Kind::integer);
          require(c, c.dtype(0) == c.dtype(2), "Operand and updates must have one dtype");
          require(c, c.shape(1).rank() > 0 && c.shape(1).back().known(),
                  "The last axis of the indices must be known");
          const auto depth = static_cast<size_t>(c.shape(1).back().value());
          require(c, depth <= c.shape(0).size(),
                  "An index row has at most as many entries as the operand has axes");
          const Shape wanted = c.shape(1).sub(0, c.shape(1).size() - 1) + c.shape(0).sub(depth);
          require(c, wanted.size() == c.shape(2).size(),
                  "The updates must have the shape of the index rows and then of what one row names",
                  wanted.to_string());
          for (size_t i = 0; i < wanted.size(); ++i) agree(c, wanted[i], c.shape(2)[i]);
          c.result(c.dtype(0), c.shape(0));
        },
    .vjp =
        [](VjpContext& c) {
          const Tensor& indices = c.operand(1);
          switch (c.attrs<ScatterAttributes>().kind) {
            case KERAS_SCATTER_SET: {
              Tensors out(3);
              if (c.needed[0])
                out[0] = prim::scatter(KERAS_SCATTER_SET, c.grad(), indices, prim::zeros(c.operand_types[2]));
              if (c.needed[2]) out[2] = prim::gather_nd(c.grad(), indices);
              return out;
            }
            case KERAS_SCATTER_ADD: {
              Tensors out(3);
              out[0] = c.grad();
              if (c.needed[2]) out[2] = prim::gather_nd(c.grad(), indices);
              return out;
            }
            case KERAS_SCATTER_MUL:
              return scatter_product_gradient(c);
            default:
              return scatter_extreme_gradient(c);
          }
        },
    .samples = scatter_samples);

KERAS_OP_RULE(
    dim_size,
    .infer =
        [](InferContext& c) {
          require_axis(c, c.attrs<AxisAttributes>().axis);
          c.result(DType::int32, {});
        },
    .samples =
        [] {
          auto attributes = make_attributes<AxisAttributes>();
          attributes.axis = 1;
          return std::vector<OpSample>{sample("columns", {sample_values({2, 5})}, attributes, false)};
        });

}  // namespace keras::internal
