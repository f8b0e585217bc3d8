// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/runtime/backend_api.h"

namespace keras::native {

/// Throws Failure(KERAS_ERROR_VALUE) where a graph is not as the interface says: inputs first, every other
/// value made once, and before it is read.
void check_graph(const keras_graph& graph);

}  // namespace keras::native
