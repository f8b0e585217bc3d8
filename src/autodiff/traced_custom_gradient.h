// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <utility>
#include <vector>

#include "keras/autodiff/gradient_tape.h"

namespace keras::internal {

/// A function with a gradient of its own.
using FunctionWithGradient =
    std::function<std::pair<Tensor, CustomGradient>(const std::vector<Tensor>& operands)>;

/// The same inside a trace: as the op custom_vjp, whose regions are the function and its gradient, so that
/// the gradient holds wherever the program is differentiated later (in a loop, or under a tape outside).
Tensor traced_custom_gradient(const FunctionWithGradient& f, const std::vector<Tensor>& operands);

/// Throws ValueError when a cotangent has another shape than its operand.
void check_cotangent(size_t index, const Shape& cotangent, const Shape& operand);

}  // namespace keras::internal
