// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "graph.h"

namespace keras::native {

/// A graph in two parts: what follows from variables that nothing replaces (and from constants) alone,
/// computed when their content changes, and the rest, computed each time. Null where nothing is fixed.
std::unique_ptr<keras_executable> compile_in_parts(const keras_graph& graph);

}  // namespace keras::native
