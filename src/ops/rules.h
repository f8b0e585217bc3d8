// SPDX-License-Identifier: Apache-2.0
// What rule blocks share: checks of operands that name op, requirement and what came, and common shape rules.
#pragma once

#include <string>
#include <string_view>

#include "keras/runtime/interpreter.h"

namespace keras::internal {

/// Which dtypes an operand may have.
enum class Kind : uint8_t {
  any,
  boolean,
  integer,
  integer_or_bool,
  real,
  numeric,
  floating,
  floating_or_complex,
  complex
};

/// Throws TypeError unless operand i has a dtype of the kind (numeric: no bool; real: no bool, no complex).
void require_kind(const InferContext& c, size_t i, Kind kind);
/// Throws TypeError unless the operands [first, last) have one dtype.
void require_same_dtype(const InferContext& c, size_t first, size_t last);
/// Throws ValueError with the operand shapes unless `holds`.
void require(const InferContext& c, bool holds, std::string_view requirement, std::string received = {});
/// Throws ValueError unless 0 <= axis < rank of operand i.
void require_axis(const InferContext& c, int64_t axis, size_t i = 0);
/// "float32(3, 4), int32(2,)".
std::string describe_operands(const InferContext& c);
/// Both dimensions where they must agree: the known one, or the first. Throws ValueError when they differ.
Dim agree(const InferContext& c, Dim a, Dim b);

/// One result like operand 0, whose dtype is of the kind.
template <Kind kind>
void infer_unary(InferContext& c) {
  require_kind(c, 0, kind);
  c.result(c.dtype(0), c.shape(0));
}

/// Equal dtypes of the kind; the broadcast shape.
template <Kind kind>
void infer_binary(InferContext& c) {
  require_kind(c, 0, kind);
  require_same_dtype(c, 0, 2);
  c.result(c.dtype(0), broadcast_shapes(c.op, c.shape(0), c.shape(1)));
}

/// The shape of a reduction over ascending axes.
Shape reduced_shape(const InferContext& c, const ReduceAttributes& attributes);

/// A result's cotangent with the reduced axes put back as 1, for broadcasting against the operand.
Tensor with_reduced_axes(const Tensor& value, const ReduceAttributes& attributes, const Shape& operand);

/// The cotangent of gather's operand: zeros with `cotangent`'s rows added at the indices.
Tensor gather_gradient(const Tensor& cotangent, const Tensor& indices, const TensorType& operand, int axis,
                       int batch_dims);

}  // namespace keras::internal
