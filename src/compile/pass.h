// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "keras/graph/graph.h"
#include "keras/runtime/backend.h"

namespace keras::internal {

/// What the passes over a program are told.
struct PassOptions {
  std::vector<std::string> disabled;  ///< names of passes to leave out
  bool inference = false;             ///< no gradient and no variable is written: weights may be folded
  Backend* backend = nullptr;         ///< asked which fusions it takes; null: the current one
  /// For each input, whether what follows from it is kept from call to call (see hoist()); empty: none.
  std::vector<bool> stable_inputs = {};
};

/// Runs all passes that are not disabled, in order. The program keeps its inputs (number and order) and its
/// outputs (number, types and order). KERAS_DISABLE_PASSES=name,name disables further ones. Throws ValueError
/// for a name that is no pass.
void optimize(Graph& graph, const PassOptions& options);

/// Lowers what the backend does not run natively: fusions it declines are inlined, fused ops it lacks are
/// decomposed, in regions too. Ops without a decomposition stay, natively or not. Types must be known.
void lower(Graph& graph, Backend& backend);

/// One pass, as users see it.
struct PassInfo {
  const char* name;
  const char* doc;
};
/// Every pass, in the order of their first run.
const std::vector<PassInfo>& all_passes();
/// Their names.
std::vector<std::string> pass_names();

}  // namespace keras::internal
