// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "compile/rewriter.h"

namespace keras::internal {

/// activation(z), where everything that reads z is part of it.
struct Activated {
  Graph::Value z;
  int readers;         ///< how many operands of the activation's ops z is
  int64_t activation;  ///< keras_activation
  double alpha;
};

/// The node as the last op of an activation: one that a fused op has, written out as its decomposition writes
/// it (operands of + and * in any order). Nothing else may read what lies between.
std::optional<Activated> as_activation(const Rewriter& rewriter, const Graph::Node& node);

}  // namespace keras::internal
