// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "compile/rewriter.h"

namespace keras::internal {

/// One number everywhere: the attributes of the `constant` op that makes such a value.
ConstantAttributes uniform_attributes(DType dtype, const Shape& shape, double value);

/// The number that a value holds everywhere, when that is known: a `constant`, a known tensor of equal
/// elements, or one of them in another shape.
std::optional<ConstantAttributes> uniform(const Rewriter& rewriter, Graph::Value v);

/// The same for a tensor.
std::optional<ConstantAttributes> uniform(const Tensor& tensor);

/// True when the value is this number everywhere. Of floats 0.0 and -0.0 are two numbers.
bool is_uniform(const Rewriter& rewriter, Graph::Value v, double number);

/// The number as a double when it is a real one that a double holds (floats, integers up to 2^53, bool).
std::optional<double> uniform_number(const Rewriter& rewriter, Graph::Value v);

/// True when the value is this number everywhere, to the rounding of its dtype.
bool is_close(const Rewriter& rewriter, Graph::Value v, double number);

}  // namespace keras::internal
