// SPDX-License-Identifier: Apache-2.0
// Rules of reductions and running reductions.
#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "ops/primitives.h"
#include "ops/rules.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

ReduceAttributes over(std::initializer_list<int64_t> axes, bool keepdims = false) {
  auto attributes = make_attributes<ReduceAttributes>();
  attributes.axes = to_list(axes);
  attributes.keepdims = keepdims ? 1 : 0;
  return attributes;
}

std::vector<OpSample> reduce_samples() {
  return {sample("rows", {sample_values({3, 5})}, over({1})),
          sample("columns", {sample_values({3, 5})}, over({0})),
          sample("everything", {sample_values({2, 3, 4})}, over({0, 1, 2})),
          sample("outer and inner, kept", {sample_values({2, 3, 4})}, over({0, 2}, true)),
          sample("middle", {sample_values({2, 7, 3})}, over({1}))};
}

// Products with zeros among the factors.
std::vector<OpSample> product_samples() {
  auto out = reduce_samples();
  out.push_back(
      sample("one zero", {Tensor::from(std::vector<double>{2, 0, 3, 1, -1, 4}, Shape{2, 3})}, over({1})));
  out.push_back(sample("two zeros", {Tensor::from(std::vector<double>{2, 0, 0, 1}, Shape{4})}, over({0})));
  return out;
}

std::vector<OpSample> one_axis_samples() {
  return {sample("rows", {sample_values({3, 5})}, over({1}), false),
          sample("columns, kept", {sample_values({3, 5})}, over({0}, true), false),
          sample("ties", {Tensor::from(std::vector<double>{1, 3, 3, 0, 0, 2}, Shape{6})}, over({0}), false)};
}

std::vector<OpSample> cumulate_samples() {
  std::vector<OpSample> out;
  for (int64_t kind = KERAS_CUM_SUM; kind <= KERAS_CUM_MIN; ++kind) {
    for (const bool reverse : {false, true}) {
      auto attributes = make_attributes<CumulateAttributes>();
      attributes.kind = kind;
      attributes.axis = 1;
      attributes.reverse = reverse ? 1 : 0;
      out.push_back(sample(fmt::format("kind {}{}", kind, reverse ? ", reverse" : ""),
                           {sample_values({3, 5})}, attributes));
      attributes.axis = 0;
      out.push_back(sample(fmt::format("kind {}{}, first axis", kind, reverse ? ", reverse" : ""),
                           {sample_values({4, 2})}, attributes));
    }
  }
  return out;
}

template <Kind kind>
void infer_reduce(InferContext& c) {
  require_kind(c, 0, kind);
  c.result(c.dtype(0), reduced_shape(c, c.attrs<ReduceAttributes>()));
}

// A maximum of nothing does not exist.
void infer_extreme(InferContext& c) {
  const auto& attributes = c.attrs<ReduceAttributes>();
  require(c, !is_complex(c.dtype(0)), "Complex numbers have no order");
  const Shape out = reduced_shape(c, attributes);
  for (const int64_t axis : items(attributes.axes)) {
    require(c, !(c.shape(0)[static_cast<size_t>(axis)] == Dim(0)), "A reduced axis must not be empty",
            fmt::format("axis={}", axis));
  }
  require_kind(c, 0, Kind::any);
  c.result(c.dtype(0), out);
}

void infer_position(InferContext& c) {
  require_kind(c, 0, c.dtype(0) == DType::bool_ ? Kind::boolean : Kind::real);
  const auto& attributes = c.attrs<ReduceAttributes>();
  require(c, items(attributes.axes).size() == 1, "Exactly one axis must be given");
  const Shape out = reduced_shape(c, attributes);
  require(c, !(c.shape(0)[static_cast<size_t>(attributes.axes.v[0])] == Dim(0)),
          "The reduced axis must not be empty");
  c.result(DType::int32, out);
}

Tensors extreme_gradient(VjpContext& c) {
  const auto& attributes = c.attrs<ReduceAttributes>();
  const Tensor& x = c.operand(0);
  const Tensor reached =
      prim::cast(prim::equal(x, with_reduced_axes(c.result(), attributes, x.shape())), c.grad().dtype());
  Axes axes;
  for (const int64_t axis : items(attributes.axes)) axes.push_back(static_cast<int>(axis));
  const Tensor share =
      prim::div(with_reduced_axes(c.grad(), attributes, x.shape()), prim::reduce_sum(reached, axes, true));
  return {prim::mul(reached, share)};
}

// x without its last (first, when reversed) element along the axis, after a one: turns an inclusive product
// into an exclusive one.
Tensor shifted_ones(const Tensor& x, int axis, bool reverse) {
  const Dim extent = x.shape()[static_cast<size_t>(axis)];
  const Tensor kept = reverse ? prim::slice_axis(x, axis, Dim(1), extent)
                              : prim::slice_axis(x, axis, Dim(0), extent - Dim(1));
  SmallVector<int64_t, 6> low(x.shape().size(), 0);
  SmallVector<int64_t, 6> high(x.shape().size(), 0);
  (reverse ? high : low)[static_cast<size_t>(axis)] = 1;
  return prim::pad(kept, prim::scalar_like(x, 1), low, high);
}

// The product of all other elements, from the products before and after each: right also where elements are
// 0.
Tensor product_of_others(const Tensor& x, int axis) {
  if (x.shape()[static_cast<size_t>(axis)] == Dim(0)) return x;
  const Tensor before = prim::cumulate(KERAS_CUM_PROD, shifted_ones(x, axis, false), axis);
  const Tensor after = prim::cumulate(KERAS_CUM_PROD, shifted_ones(x, axis, true), axis, true);
  return prim::mul(before, after);
}

Tensors product_gradient(VjpContext& c) {
  const auto& attributes = c.attrs<ReduceAttributes>();
  const Tensor x = prim::conj(c.operand(0));
  // The reduced axes are moved to the end and made one.
  Axes order;
  Shape kept;
  Shape moved;
  const auto axes = items(attributes.axes);
  for (int i = 0; i < x.rank(); ++i) {
    if (std::find(axes.begin(), axes.end(), i) != axes.end()) continue;
    order.push_back(i);
    kept.push_back(x.shape()[static_cast<size_t>(i)]);
  }
  Dim count = 1;
  for (const int64_t axis : axes) {
    order.push_back(static_cast<int>(axis));
    count = count * x.shape()[static_cast<size_t>(axis)];
  }
  for (const int axis : order) moved.push_back(x.shape()[static_cast<size_t>(axis)]);
  Axes back(order.size(), 0);
  for (size_t i = 0; i < order.size(); ++i) back[static_cast<size_t>(order[i])] = static_cast<int>(i);
  const Tensor rows = prim::reshape(prim::transpose(x, order), kept + Shape{count});
  const Tensor others = prim::reshape(product_of_others(rows, kept.rank()), moved);
  return {prim::mul(with_reduced_axes(c.grad(), attributes, x.shape()), prim::transpose(others, back))};
}

// Each result of a running extreme came from the last element that set a record: its cotangent goes there.
Tensor running_extreme_gradient(const VjpContext& c, const CumulateAttributes& attributes) {
  const int axis = static_cast<int>(attributes.axis);
  const Tensor& x = c.operand(0);
  const Shape& shape = x.shape();
  const bool reverse = attributes.reverse != 0;
  const Tensor place = prim::iota(DType::int32, shape, axis);
  const Tensor record = prim::equal(x, c.result());
  const Tensor none = reverse ? prim::sub(prim::extent(x, axis), prim::scalar(1, DType::int32))
                              : prim::scalar(0, DType::int32);
  const Tensor source = prim::cumulate(reverse ? KERAS_CUM_MIN : KERAS_CUM_MAX,
                                       prim::select(record, place, none), axis, reverse);
  // The axis goes to the end, so that all others are batch axes of the gather whose gradient this is.
  Axes order;
  for (int i = 0; i < x.rank(); ++i) {
    if (i != axis) order.push_back(i);
  }
  order.push_back(axis);
  Axes back(order.size(), 0);
  Shape moved;
  for (size_t i = 0; i < order.size(); ++i) {
    back[static_cast<size_t>(order[i])] = static_cast<int>(i);
    moved.push_back(shape[static_cast<size_t>(order[i])]);
  }
  const int last = x.rank() - 1;
  const Tensor sums = gather_gradient(prim::transpose(c.grad(), order), prim::transpose(source, order),
                                      {c.operand_types[0].dtype, moved}, last, last);
  return prim::transpose(sums, back);
}

}  // namespace

KERAS_OP_RULE(
    reduce_sum, .infer = infer_reduce<Kind::any>,
    .vjp =
        [](VjpContext& c) {
          const Shape& shape = c.operand_types[0].shape;
          return Tensors{
              prim::broadcast_to(with_reduced_axes(c.grad(), c.attrs<ReduceAttributes>(), shape), shape)};
        },
    .samples = reduce_samples);
KERAS_OP_RULE(reduce_prod, .infer = infer_reduce<Kind::any>, .vjp = product_gradient,
              .samples = product_samples);
KERAS_OP_RULE(reduce_max, .infer = infer_extreme, .vjp = extreme_gradient, .samples = reduce_samples);
KERAS_OP_RULE(reduce_min, .infer = infer_extreme, .vjp = extreme_gradient, .samples = reduce_samples);
KERAS_OP_RULE(argmax, .infer = infer_position, .samples = one_axis_samples);
KERAS_OP_RULE(argmin, .infer = infer_position, .samples = one_axis_samples);

KERAS_OP_RULE(
    cumulate,
    .infer =
        [](InferContext& c) {
          const auto& attributes = c.attrs<CumulateAttributes>();
          require(c, attributes.kind >= KERAS_CUM_SUM && attributes.kind <= KERAS_CUM_MIN,
                  "The kind must be one of keras_cumulate");
          require_kind(c, 0, attributes.kind >= KERAS_CUM_MAX ? Kind::real : Kind::numeric);
          require_axis(c, attributes.axis);
          c.result(c.dtype(0), c.shape(0));
        },
    .vjp =
        [](VjpContext& c) {
          const auto& attributes = c.attrs<CumulateAttributes>();
          const int axis = static_cast<int>(attributes.axis);
          const bool back = attributes.reverse == 0;
          if (attributes.kind == KERAS_CUM_SUM)
            return Tensors{prim::cumulate(KERAS_CUM_SUM, c.grad(), axis, back)};
          if (attributes.kind != KERAS_CUM_PROD) return Tensors{running_extreme_gradient(c, attributes)};
          // As in TensorFlow: 0 where the element is 0.
          const Tensor x = prim::conj(c.operand(0));
          const Tensor sums =
              prim::cumulate(KERAS_CUM_SUM, prim::mul(c.grad(), prim::conj(c.result())), axis, back);
          const Tensor zero = prim::scalar_like(x, 0);
          const Tensor at_zero = prim::equal(x, zero);
          const Tensor safe = prim::select(at_zero, prim::scalar_like(x, 1), x);
          return Tensors{prim::select(at_zero, zero, prim::div(sums, safe))};
        },
    .samples = cumulate_samples);

}  // namespace keras::internal
