// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "kernel.h"

/// A graph made ready to run. `execute` may be called from several threads at once.
struct keras_executable {
  virtual ~keras_executable() = default;
  /// Fills the output slots; a slot that comes with a buffer gets its result written there. The operands stay
  /// the caller's, who lets go of donated ones and of replaced variables afterwards; their memory is written
  /// only where the caller is the one holder. Takes all memory but the kernels' scratch before the first node
  /// runs. Throws native::Failure, and then variables are as they were; donated operands may have been
  /// overwritten.
  virtual void execute(const keras_tensor* in, int num_in, keras_tensor* out, int num_out) const = 0;
  /// Takes the memory of one more execution at the same time.
  virtual void reserve() const = 0;
  /// In a loop's body: the result stands in the memory of the state it replaces.
  virtual bool replaces_in_place(int output) const = 0;
};

namespace keras::native {

/// Prepares every node once and plans where each value lies. Throws Failure(KERAS_ERROR_UNSUPPORTED) when a
/// node has no kernel here.
std::unique_ptr<keras_executable> compile_graph(const keras_graph& graph);

/// The same without a part that is computed only now and then.
std::unique_ptr<keras_executable> compile_whole(const keras_graph& graph);

/// The same for a region. Its first `state` inputs are a loop's own, which the outputs of the same numbers
/// replace: they may be overwritten whoever holds them.
std::unique_ptr<keras_executable> compile_region(const keras_graph& graph, int state);

}  // namespace keras::native
