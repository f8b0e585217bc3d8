// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/runtime/backend.h"
#include "keras/runtime/interpreter.h"

namespace keras::internal {

/// How the results of a fused op and of its gradient come about; the gradient follows the forward op.
enum class Lowering : uint8_t { native, decomposed, host };

/// What the backend answers for an op; a gradient op whose forward op was decomposed is decomposed, too.
/// Operands may be abstract when their shapes are known. Throws UnsupportedError where the answer is that.
/// `residuals` is set to the number of residuals of a kernel.
Lowering decide_lowering(const OpCall& call, Backend& backend, int& residuals);

/// True for a gradient op whose residuals are those that its decomposition names.
bool follows_decomposition(const OpCall& call);

/// How many results the op has by its own rule, without residuals.
size_t own_results(const OpCall& call);

/// "float32(2, 3), int32()": the operands, for messages.
std::string describe_operands(const OpCall& call);

}  // namespace keras::internal
