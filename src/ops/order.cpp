// SPDX-License-Identifier: Apache-2.0
// Rules of sorting, selection of the largest, and the places of nonzero elements.
#include <fmt/format.h>

#include "ops/primitives.h"
#include "ops/rules.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

SortAttributes sort_along(int64_t axis, bool descending, int64_t num_keys) {
  auto attributes = make_attributes<SortAttributes>();
  attributes.axis = axis;
  attributes.descending = descending ? 1 : 0;
  attributes.num_keys = num_keys;
  return attributes;
}

TopKAttributes largest(int64_t k, bool sorted) {
  auto attributes = make_attributes<TopKAttributes>();
  attributes.k = k;
  attributes.sorted = sorted ? 1 : 0;
  return attributes;
}

NonzeroAttributes places(int64_t size, int64_t fill) {
  auto attributes = make_attributes<NonzeroAttributes>();
  attributes.size = size;
  attributes.fill = fill;
  return attributes;
}

}  // namespace

KERAS_OP_RULE(
    sort,
    .infer =
        [](InferContext& c) {
          const auto& attributes = c.attrs<SortAttributes>();
          const auto count = static_cast<int64_t>(c.operands.size());
          require(c, count > 0, "There must be at least one operand");
          require(c, attributes.num_keys >= 1 && attributes.num_keys <= count,
                  "num_keys must be in [1, operands]", fmt::format("num_keys={}", attributes.num_keys));
          require_axis(c, attributes.axis);
          for (size_t i = 0; i < c.operands.size(); ++i) {
            require_kind(c, i, Kind::any);
            require(c, c.shape(i) == c.shape(0), "All operands must have one shape");
            require(c, static_cast<int64_t>(i) >= attributes.num_keys || !is_complex(c.dtype(i)),
                    "Complex numbers have no order");
            c.result(c.dtype(i), c.shape(i));
          }
        },
    .vjp =
        [](VjpContext& c) {
          // The order is found again from the keys; sorting a cotangent by it puts each value back.
          const auto& attributes = c.attrs<SortAttributes>();
          const int axis = static_cast<int>(attributes.axis);
          std::vector<Tensor> keys(c.operands.begin(), c.operands.begin() + attributes.num_keys);
          keys.push_back(prim::iota(DType::int32, c.operand_types[0].shape, axis));
          const Tensor order =
              prim::sort(keys, axis, attributes.descending != 0, static_cast<int>(attributes.num_keys))
                  .back();
          Tensors out(c.operand_types.size());
          for (size_t i = 0; i < out.size(); ++i) {
            if (!c.needed[i] || !c.grad(i).defined()) continue;
            const Tensor back[] = {order, c.grad(i)};
            out[i] = prim::sort(back, axis)[1];
          }
          return out;
        },
    .samples =
        [] {
          return std::vector<OpSample>{
              sample("last axis", {sample_values({3, 5})}, sort_along(1, false, 1)),
              sample("first axis, descending", {sample_values({4, 3})}, sort_along(0, true, 1)),
              sample("carried", {sample_values({6}), sample_values({6}, 2.0)}, sort_along(0, false, 1)),
              sample("two keys",
                     {Tensor::from(std::vector<int32_t>{1, 0, 1, 0}, Shape{4}),
                      Tensor::from(std::vector<int32_t>{3, 2, 1, 0}, Shape{4}), sample_values({4})},
                     sort_along(0, false, 2)),
          };
        });

KERAS_OP_RULE(
    top_k,
    .infer =
        [](InferContext& c) {
          const int64_t k = c.attrs<TopKAttributes>().k;
          require_kind(c, 0, Kind::real);
          require(c, c.shape(0).rank() > 0, "The operand must have at least one axis");
          const Dim last = c.shape(0).back();
          require(c, k >= 0 && (!last.known() || k <= last.value()),
                  "k must be in [0, extent of the last axis]", fmt::format("k={}", k));
          Shape out = c.shape(0);
          out[out.size() - 1] = Dim(k);
          c.result(c.dtype(0), out);
          c.result(DType::int32, out);
        },
    .vjp =
        [](VjpContext& c) {
          if (!c.grad(0).defined()) return Tensors{Tensor()};
          const int last = c.operand_types[0].shape.rank() - 1;
          return Tensors{gather_gradient(c.grad(0), c.result(1), c.operand_types[0], last, last)};
        },
    .samples =
        [] {
          return std::vector<OpSample>{sample("two of five", {sample_values({3, 5})}, largest(2, true)),
                                       sample("all", {sample_values({4})}, largest(4, true)),
                                       sample("one", {sample_values({2, 3, 4})}, largest(1, true))};
        });

KERAS_OP_RULE(
    nonzero,
    .infer =
        [](InferContext& c) {
          const int64_t size = c.attrs<NonzeroAttributes>().size;
          require_kind(c, 0, Kind::any);
          require(c, size >= 0, "The size of the result must not be negative", fmt::format("size={}", size));
          c.result(DType::int32, {Dim(size), Dim(c.shape(0).rank())});
        },
    .samples =
        [] {
          const Tensor x = Tensor::from(std::vector<double>{0, 1, 0, 2, 0, 3}, Shape{2, 3});
          return std::vector<OpSample>{sample("exact", {x}, places(3, 0), false),
                                       sample("filled", {x}, places(5, -1), false),
                                       sample("cut", {x}, places(2, 0), false)};
        });

}  // namespace keras::internal
