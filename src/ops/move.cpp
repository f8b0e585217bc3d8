// SPDX-License-Identifier: Apache-2.0
// Rules of the ops that move elements to places known from shapes alone.
#include <fmt/format.h>

#include <algorithm>

#include "keras/base/error.h"
#include "ops/primitives.h"
#include "ops/rules.h"
#include "ops/sample_values.h"

namespace keras::internal {

namespace {

ShapeAttributes to_the_shape(const Shape& shape) {
  auto attributes = make_attributes<ShapeAttributes>();
  attributes.shape = to_list(shape);
  return attributes;
}

PermutationAttributes permuted(std::initializer_list<int64_t> axes) {
  auto attributes = make_attributes<PermutationAttributes>();
  attributes.permutation = to_list(axes);
  return attributes;
}

SliceAttributes box(const Shape& start, const Shape& limit, std::initializer_list<int64_t> stride) {
  auto attributes = make_attributes<SliceAttributes>();
  attributes.start = to_list(start);
  attributes.limit = to_list(limit);
  attributes.stride = to_list(stride);
  return attributes;
}

PadAttributes padding(std::initializer_list<int64_t> low, std::initializer_list<int64_t> high,
                      std::initializer_list<int64_t> interior) {
  auto attributes = make_attributes<PadAttributes>();
  attributes.low = to_list(low);
  attributes.high = to_list(high);
  attributes.interior = to_list(interior);
  return attributes;
}

template <class A>
A on_axis(int64_t axis) {
  auto attributes = make_attributes<A>();
  attributes.axis = axis;
  return attributes;
}

AxesAttributes on_axes(std::initializer_list<int64_t> axes) {
  auto attributes = make_attributes<AxesAttributes>();
  attributes.axes = to_list(axes);
  return attributes;
}

SizesAttributes window(const Shape& sizes) {
  auto attributes = make_attributes<SizesAttributes>();
  attributes.sizes = to_list(sizes);
  return attributes;
}

Tensor start_at(std::vector<int32_t> start) { return Tensor::from(start); }

// The extent that pad gives: low + (d - 1) * (interior + 1) + 1 + high, with 0 elements making no interior.
Dim padded_extent(const InferContext& c, Dim d, int64_t low, int64_t high, int64_t interior) {
  // Sums and negatives of such numbers fit in 64 bits, here and in the backends.
  constexpr int64_t kFarthest = int64_t{1} << 61;
  const auto near = [](int64_t n) { return -kFarthest <= n && n <= kFarthest; };
  require(c, near(low) && near(high) && near(interior), "Padding must lie between -2^61 and 2^61 elements",
          fmt::format("low={}, high={}, interior={}", low, high, interior));
  require(c, interior >= 0, "Interior padding must not be negative");
  Dim body = d;
  if (interior > 0) body = d == Dim(0) ? Dim(0) : (d - Dim(1)) * Dim(interior + 1) + Dim(1);
  const int64_t extra = low + high;
  if (!body.known() || extra >= 0) return extra >= 0 ? body + Dim(extra) : body - Dim(-extra);
  require(c, body.value() + extra >= 0, "Cropping must leave no negative extent",
          fmt::format("extent {} with low={}, high={}", body.value(), low, high));
  return Dim(body.value() + extra);
}

// How many elements a stride meets on the way through `extent`: the quotient rounded up.
Dim stride_count(Dim extent, int64_t stride) {
  if (stride == 1) return extent;
  if (!extent.known()) return (extent + Dim(stride - 1)) / Dim(stride);
  return extent == Dim(0) ? extent : (extent - Dim(1)) / Dim(stride) + Dim(1);
}

// Elements that `slice` leaves out behind its last one, as a number.
int64_t tail(Dim extent, Dim start, Dim limit, int64_t stride) {
  if (extent.known()) {
    const int64_t count = stride_count(limit - start, stride).value();
    return extent.value() - (count == 0 ? start.value() : start.value() + (count - 1) * stride + 1);
  }
  const Dim rest = extent - limit;
  if (stride == 1 && rest.known()) return rest.value();
  fail<UnsupportedError>(
      {"slice", "The gradient of a slice along a symbolic axis needs stride 1 and a constant tail",
       fmt::format("axis {} cut at {} with stride {}", extent.to_string(), limit.to_string(), stride),
       "give the Input a static shape"});
}

}  // namespace

KERAS_OP_RULE(
    reshape,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, Kind::any);
          const Shape shape = to_shape(c.attrs<ShapeAttributes>().shape);
          const Dim from = element_count(c.shape(0));
          const Dim to = element_count(shape);
          require(c, !from.known() || !to.known() || from == to,
                  "The shapes must have the same number of elements", "to " + shape.to_string());
          c.result(c.dtype(0), shape);
        },
    .vjp = [](VjpContext& c) { return Tensors{prim::reshape(c.grad(), c.operand_types[0].shape)}; },
    .samples =
        [] {
          return std::vector<OpSample>{sample("split", {sample_values({6})}, to_the_shape({2, 3})),
                                       sample("merge", {sample_values({2, 3, 4})}, to_the_shape({6, 4})),
                                       sample("to scalar", {sample_values({1, 1})}, to_the_shape({})),
                                       sample("empty", {sample_values({0, 3})}, to_the_shape({3, 0}))};
        });

KERAS_OP_RULE(
    transpose,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, Kind::any);
          const auto permutation = items(c.attrs<PermutationAttributes>().permutation);
          require(c, static_cast<int>(permutation.size()) == c.shape(0).rank(),
                  "The permutation must name every axis", fmt::format("{} axes", permutation.size()));
          Shape out;
          uint32_t seen = 0;
          for (const int64_t axis : permutation) {
            require_axis(c, axis);
            require(c, (seen >> axis & 1u) == 0, "The permutation must name every axis once",
                    fmt::format("axis {} twice", axis));
            seen |= 1u << axis;
            out.push_back(c.shape(0)[static_cast<size_t>(axis)]);
          }
          c.result(c.dtype(0), out);
        },
    .vjp =
        [](VjpContext& c) {
          const auto permutation = items(c.attrs<PermutationAttributes>().permutation);
          Axes back(permutation.size(), 0);
          for (size_t i = 0; i < permutation.size(); ++i)
            back[static_cast<size_t>(permutation[i])] = static_cast<int>(i);
          return Tensors{prim::transpose(c.grad(), back)};
        },
    .samples =
        [] {
          return std::vector<OpSample>{
              sample("matrix", {sample_values({3, 5})}, permuted({1, 0})),
              sample("cycle", {sample_values({2, 3, 4})}, permuted({2, 0, 1})),
              sample("four axes", {sample_values({2, 3, 1, 5})}, permuted({0, 3, 1, 2}))};
        });

KERAS_OP_RULE(
    broadcast_to,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, Kind::any);
          const Shape shape = to_shape(c.attrs<ShapeAttributes>().shape);
          const Shape& from = c.shape(0);
          require(c, from.size() <= shape.size(), "The result must have at least the operand's rank",
                  "to " + shape.to_string());
          const size_t extra = shape.size() - from.size();
          for (size_t i = 0; i < from.size() && extra + i < shape.size(); ++i) {
            const Dim a = from[i];
            const Dim b = shape[extra + i];
            require(c, a == b || a == Dim(1) || !a.known() || !b.known(),
                    "Only axes of extent 1 can be broadcast", "to " + shape.to_string());
          }
          c.result(c.dtype(0), shape);
        },
    .vjp = [](VjpContext& c) { return Tensors{reduce_to(c.grad(), c.operand_types[0])}; },
    .samples =
        [] {
          return std::vector<OpSample>{
              sample("rows", {sample_values({3})}, to_the_shape({2, 3})),
              sample("column", {sample_values({2, 1})}, to_the_shape({2, 4})),
              sample("scalar", {sample_values({})}, to_the_shape({2, 2})),
              sample("middle", {sample_values({2, 1, 3})}, to_the_shape({4, 2, 5, 3}))};
        });

KERAS_OP_RULE(
    slice,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, Kind::any);
          const auto& attributes = c.attrs<SliceAttributes>();
          const Shape start = to_shape(attributes.start);
          const Shape limit = to_shape(attributes.limit);
          const auto stride = items(attributes.stride);
          const size_t rank = c.shape(0).size();
          require(c, start.size() == rank && limit.size() == rank && stride.size() == rank,
                  "start, limit and stride must have one entry an axis");
          Shape out;
          for (size_t i = 0; i < rank; ++i) {
            const Dim extent = c.shape(0)[i];
            require(c, stride[i] > 0, "Strides must be positive",
                    fmt::format("stride {} on axis {}", stride[i], i));
            if (start[i].known() && limit[i].known()) {
              require(c,
                      start[i].value() <= limit[i].value() &&
                          (!extent.known() || limit[i].value() <= extent.value()),
                      "A slice must lie inside its axis",
                      fmt::format("[{}, {}) on axis {}", start[i].value(), limit[i].value(), i));
            }
            out.push_back(stride_count(limit[i] - start[i], stride[i]));
          }
          c.result(c.dtype(0), out);
        },
    .vjp =
        [](VjpContext& c) {
          const auto& attributes = c.attrs<SliceAttributes>();
          const Shape start = to_shape(attributes.start);
          const Shape limit = to_shape(attributes.limit);
          const Shape& from = c.operand_types[0].shape;
          SmallVector<int64_t, 6> low;
          SmallVector<int64_t, 6> high;
          SmallVector<int64_t, 6> interior;
          for (size_t i = 0; i < from.size(); ++i) {
            const int64_t stride = attributes.stride.v[i];
            low.push_back(start[i].value());
            high.push_back(tail(from[i], start[i], limit[i], stride));
            interior.push_back(stride - 1);
          }
          return Tensors{prim::pad(c.grad(), prim::scalar_like(c.grad(), 0), low, high, interior)};
        },
    .samples =
        [] {
          return std::vector<OpSample>{
              sample("box", {sample_values({4, 5})}, box({1, 0}, {3, 4}, {1, 1})),
              sample("strided", {sample_values({7})}, box({1}, {7}, {2})),
              sample("strides", {sample_values({5, 6})}, box({0, 1}, {5, 5}, {3, 2})),
              sample("empty", {sample_values({4})}, box({2}, {2}, {1}))};
        });

KERAS_OP_RULE(
    dynamic_slice,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, Kind::any);
          const Shape sizes = to_shape(c.attrs<SizesAttributes>().sizes);
          const Shape& from = c.shape(0);
          require(c, c.dtype(1) == DType::int32 && c.shape(1).rank() == 1,
                  "The start must be int32 of shape (rank,)");
          require(c, sizes.size() == from.size(), "There must be one size an axis", sizes.to_string());
          require(c, agree(c, c.shape(1)[0], Dim(static_cast<int64_t>(from.size()))).known(),
                  "The start must have one entry an axis");
          for (size_t i = 0; i < sizes.size(); ++i) {
            require(c, !sizes[i].known() || !from[i].known() || sizes[i].value() <= from[i].value(),
                    "The window must not be larger than the operand", sizes.to_string());
          }
          c.result(c.dtype(0), sizes);
        },
    .vjp =
        [](VjpContext& c) {
          return Tensors{prim::dynamic_update_slice(prim::zeros(c.operand_types[0]), c.grad(), c.operand(1)),
                         Tensor()};
        },
    .samples =
        [] {
          return std::vector<OpSample>{
              sample("inside", {sample_values({4, 5}), start_at({1, 2})}, window({2, 3})),
              sample("clamped", {sample_values({4, 5}), start_at({3, -1})}, window({2, 3}))};
        });

KERAS_OP_RULE(
    dynamic_update_slice,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, Kind::any);
          require_same_dtype(c, 0, 2);
          require(c, c.dtype(2) == DType::int32 && c.shape(2).rank() == 1,
                  "The start must be int32 of shape (rank,)");
          require(c,
                  c.shape(0).size() == c.shape(1).size() &&
                      (!c.shape(2)[0].known() || c.shape(2)[0] == Dim(c.shape(0).rank())),
                  "Operand, update and start must have one rank");
          for (size_t i = 0; i < c.shape(0).size(); ++i) {
            require(c,
                    !c.shape(0)[i].known() || !c.shape(1)[i].known() ||
                        c.shape(1)[i].value() <= c.shape(0)[i].value(),
                    "The update must not be larger than the operand");
          }
          c.result(c.dtype(0), c.shape(0));
        },
    .vjp =
        [](VjpContext& c) {
          Tensors out(3);
          const Tensor& start = c.operand(2);
          if (c.needed[0])
            out[0] = prim::dynamic_update_slice(c.grad(), prim::zeros(c.operand_types[1]), start);
          if (c.needed[1]) out[1] = prim::dynamic_slice(c.grad(), start, c.operand_types[1].shape);
          return out;
        },
    .samples =
        [] {
          const auto none = make_attributes<NoAttributes>();
          return std::vector<OpSample>{
              sample("inside", {sample_values({4, 5}), sample_values({2, 2}, 1.0), start_at({1, 2})}, none),
              sample("clamped", {sample_values({6}), sample_values({3}, 1.0), start_at({5})}, none)};
        });

KERAS_OP_RULE(
    pad,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, Kind::any);
          require_same_dtype(c, 0, 2);
          require(c, c.shape(1).rank() == 0, "The padding value must be a scalar");
          const auto& attributes = c.attrs<PadAttributes>();
          const auto low = items(attributes.low);
          const auto high = items(attributes.high);
          const auto interior = items(attributes.interior);
          const size_t rank = c.shape(0).size();
          require(c, low.size() == rank && high.size() == rank && interior.size() == rank,
                  "low, high and interior must have one entry an axis");
          Shape out;
          for (size_t i = 0; i < rank; ++i) {
            out.push_back(padded_extent(c, c.shape(0)[i], low[i], high[i], interior[i]));
          }
          c.result(c.dtype(0), out);
        },
    .vjp =
        [](VjpContext& c) {
          const auto& attributes = c.attrs<PadAttributes>();
          const size_t rank = c.operand_types[0].shape.size();
          SmallVector<int64_t, 6> low;
          SmallVector<int64_t, 6> high;
          SmallVector<int64_t, 6> stride;
          for (size_t i = 0; i < rank; ++i) {
            low.push_back(-attributes.low.v[i]);
            high.push_back(-attributes.high.v[i]);
            stride.push_back(attributes.interior.v[i] + 1);
          }
          const Tensor zero = prim::scalar_like(c.grad(), 0);
          Tensor inner = prim::pad(c.grad(), zero, low, high);
          inner = prim::slice(inner, Shape(rank, Dim(0)), inner.shape(), stride);
          Tensors out(2);
          out[0] = inner;
          if (c.needed[1]) {
            const Axes axes = prim::all_axes(static_cast<int>(rank));
            out[1] = prim::sub(prim::reduce_sum(c.grad(), axes), prim::reduce_sum(inner, axes));
          }
          return out;
        },
    .samples =
        [] {
          const Tensor value = Tensor::from(std::vector<double>{0.5}, Shape{});
          return std::vector<OpSample>{
              sample("around", {sample_values({2, 3}), value}, padding({1, 0}, {2, 1}, {0, 0})),
              sample("interior", {sample_values({3}), value}, padding({1}, {0}, {2})),
              sample("crop", {sample_values({5, 4}), value}, padding({-1, 2}, {-2, -1}, {0, 0}))};
        });

KERAS_OP_RULE(
    concat,
    .infer =
        [](InferContext& c) {
          require(c, !c.operands.empty(), "There must be at least one operand");
          require_kind(c, 0, Kind::any);
          require_same_dtype(c, 0, c.operands.size());
          const int64_t axis = c.attrs<AxisAttributes>().axis;
          require_axis(c, axis);
          Shape out = c.shape(0);
          for (size_t i = 1; i < c.operands.size(); ++i) {
            require(c, c.shape(i).size() == out.size(), "All operands must have one rank");
            for (size_t k = 0; k < out.size(); ++k) {
              const Dim d = c.shape(i)[k];
              out[k] = static_cast<int64_t>(k) == axis ? out[k] + d : agree(c, out[k], d);
            }
          }
          c.result(c.dtype(0), out);
        },
    .vjp =
        [](VjpContext& c) {
          const int axis = static_cast<int>(c.attrs<AxisAttributes>().axis);
          Tensors out(c.operand_types.size());
          Dim start = 0;
          for (size_t i = 0; i < out.size(); ++i) {
            const Dim end = start + c.operand_types[i].shape[static_cast<size_t>(axis)];
            if (c.needed[i]) out[i] = prim::slice_axis(c.grad(), axis, start, end);
            start = end;
          }
          return out;
        },
    .samples =
        [] {
          return std::vector<OpSample>{
              sample("two", {sample_values({2, 3}), sample_values({1, 3}, 1.0)}, on_axis<AxisAttributes>(0)),
              sample("three", {sample_values({2, 1}), sample_values({2, 3}, 1.0), sample_values({2, 2}, 2.0)},
                     on_axis<AxisAttributes>(1)),
              sample("one", {sample_values({4})}, on_axis<AxisAttributes>(0))};
        });

KERAS_OP_RULE(
    reverse,
    .infer =
        [](InferContext& c) {
          require_kind(c, 0, Kind::any);
          for (const int64_t axis : items(c.attrs<AxesAttributes>().axes)) require_axis(c, axis);
          c.result(c.dtype(0), c.shape(0));
        },
    .vjp =
        [](VjpContext& c) {
          Axes axes;
          for (const int64_t axis : items(c.attrs<AxesAttributes>().axes))
            axes.push_back(static_cast<int>(axis));
          return Tensors{prim::reverse(c.grad(), axes)};
        },
    .samples =
        [] {
          return std::vector<OpSample>{sample("one axis", {sample_values({3, 5})}, on_axes({1})),
                                       sample("two axes", {sample_values({2, 3, 4})}, on_axes({0, 2}))};
        });

}  // namespace keras::internal
