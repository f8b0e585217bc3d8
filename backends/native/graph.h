// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "kernel.h"

/// A graph made ready to run. `execute` may be called from several threads at once.
struct keras_executable {
  virtual ~keras_executable() = default;
  /// Fills the output slots. The operands stay the caller's, who lets go of donated ones and of replaced
  /// variables afterwards; their memory is written only where the caller is the one holder. Throws
  /// native::Failure, and then variables are as they were.
  virtual void execute(const keras_tensor* in, int num_in, keras_tensor* out, int num_out) const = 0;
};

namespace keras::native {

/// Prepares every node once. Throws Failure(KERAS_ERROR_UNSUPPORTED) when a node has no kernel here.
std::unique_ptr<keras_executable> compile_graph(const keras_graph& graph);

}  // namespace keras::native
