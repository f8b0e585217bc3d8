// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "keras/runtime/interpreter.h"

namespace keras::internal {

/// Runs a graph node by node on the present interpreter; for regions in eager mode and for backends that
/// decline to compile. Operands are taken by value so that a donated one dies after its last use.
std::vector<Tensor> drive_graph(const Graph& graph, std::vector<Tensor> operands);

/// Runs call, cond, while, scan or custom_vjp with its regions, eagerly.
Tensors drive_control_flow(const OpCall& call);

}  // namespace keras::internal
