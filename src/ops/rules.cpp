// SPDX-License-Identifier: Apache-2.0
#include "ops/rules.h"

#include <fmt/format.h>

#include <vector>

#include "keras/base/error.h"
#include "ops/primitives.h"

namespace keras::internal {

std::string describe_operands(const InferContext& c) {
  std::string out;
  for (const auto& type : c.operands) out += (out.empty() ? "" : ", ") + type.to_string();
  return out;
}

namespace {

struct KindName {
  bool (*accepts)(DType);
  const char* text;
};

KindName kind_name(Kind kind) {
  switch (kind) {
    case Kind::boolean:
      return {[](DType d) { return d == DType::bool_; }, "bool"};
    case Kind::integer:
      return {is_integer, "an integer dtype"};
    case Kind::integer_or_bool:
      return {[](DType d) { return is_integer(d) || d == DType::bool_; }, "an integer dtype or bool"};
    case Kind::real:
      return {[](DType d) { return is_integer(d) || is_float(d); }, "an integer or float dtype"};
    case Kind::numeric:
      return {[](DType d) { return is_integer(d) || is_float(d) || is_complex(d); },
              "an integer, float or complex dtype"};
    case Kind::floating:
      return {is_float, "a float dtype"};
    case Kind::floating_or_complex:
      return {[](DType d) { return is_float(d) || is_complex(d); }, "a float or complex dtype"};
    case Kind::complex:
      return {is_complex, "complex64"};
    case Kind::any:
      break;
  }
  return {[](DType d) { return d != DType::string; }, "any dtype but string"};
}

}  // namespace

void require_kind(const InferContext& c, size_t i, Kind kind) {
  const auto [accepts, text] = kind_name(kind);
  if (accepts(c.dtype(i))) return;
  fail<TypeError>(
      {c.op, fmt::format("Operand {} must have {}", i, text), describe_operands(c), "cast it first"});
}

void require_same_dtype(const InferContext& c, size_t first, size_t last) {
  for (size_t i = first + 1; i < last; ++i) {
    if (c.dtype(i) == c.dtype(first)) continue;
    fail<TypeError>({c.op, fmt::format("Operands {} and {} must have one dtype", first, i),
                     describe_operands(c),
                     "cast one of them, or call the function of keras::ops, which promotes"});
  }
}

void require(const InferContext& c, bool holds, std::string_view requirement, std::string received) {
  if (holds) return;
  std::string text = describe_operands(c);
  if (!received.empty()) text = std::move(received) + " for " + text;
  fail<ValueError>({c.op, requirement, text, ""});
}

void require_axis(const InferContext& c, int64_t axis, size_t i) {
  if (axis >= 0 && axis < c.shape(i).rank()) return;
  fail<ValueError>({c.op, fmt::format("The axis must be in [0, {})", c.shape(i).rank()),
                    fmt::format("axis={} for {}", axis, describe_operands(c)), ""});
}

Dim agree(const InferContext& c, Dim a, Dim b) {
  if (a == b || (a.known() && !b.known())) return a;
  if (b.known() && !a.known()) return b;
  if (a.known()) {
    fail<ValueError>({c.op, "These dimensions of the operands must be equal",
                      fmt::format("{} and {} in {}", a.to_string(), b.to_string(), describe_operands(c)),
                      ""});
  }
  return a;
}

Shape reduced_shape(const InferContext& c, const ReduceAttributes& attributes) {
  Shape out = c.shape(0);
  const auto axes = items(attributes.axes);
  for (size_t i = 0; i < axes.size(); ++i) {
    require_axis(c, axes[i]);
    require(c, i == 0 || axes[i - 1] < axes[i], "The axes must be ascending, each once");
  }
  for (size_t i = axes.size(); i-- > 0;) {
    const auto axis = static_cast<size_t>(axes[i]);
    if (attributes.keepdims != 0) {
      out[axis] = Dim(1);
    } else {
      out.erase(axis);
    }
  }
  return out;
}

Tensor with_reduced_axes(const Tensor& value, const ReduceAttributes& attributes, const Shape& operand) {
  Shape shape = operand;
  for (const int64_t axis : items(attributes.axes)) shape[static_cast<size_t>(axis)] = Dim(1);
  return prim::reshape(value, shape);
}

Tensor gather_gradient(const Tensor& cotangent, const Tensor& indices, const TensorType& operand, int axis,
                       int batch_dims) {
  // The operand with the batch axes and the gathered axis in front, as scatter wants it.
  const int rank = operand.shape.rank();
  const int index_axes = indices.rank() - batch_dims;
  Axes to_front;
  Axes result_to_front;
  for (int i = 0; i < batch_dims; ++i) {
    to_front.push_back(i);
    result_to_front.push_back(i);
  }
  to_front.push_back(axis);
  for (int i = 0; i < index_axes; ++i) result_to_front.push_back(axis + i);
  for (int i = batch_dims; i < rank; ++i) {
    if (i == axis) continue;
    to_front.push_back(i);
    result_to_front.push_back(i < axis ? i : i - 1 + index_axes);
  }
  Shape front;
  Axes back(static_cast<size_t>(rank), 0);
  for (size_t i = 0; i < to_front.size(); ++i) {
    front.push_back(operand.shape[static_cast<size_t>(to_front[i])]);
    back[static_cast<size_t>(to_front[i])] = static_cast<int>(i);
  }
  Shape column = indices.shape();
  column.push_back(Dim(1));
  std::vector<Tensor> columns;
  for (int i = 0; i < batch_dims; ++i) columns.push_back(prim::iota(indices.dtype(), column, i));
  columns.push_back(prim::reshape(indices, column));
  const Tensor where = prim::concat(columns, column.rank() - 1);
  const Tensor sums = prim::scatter(KERAS_SCATTER_ADD, prim::full(front, 0, operand.dtype), where,
                                    prim::transpose(cotangent, result_to_front));
  return prim::transpose(sums, back);
}

}  // namespace keras::internal
