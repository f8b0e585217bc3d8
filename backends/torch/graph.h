// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel.h"

/// A graph made ready to run: the kernels of its nodes in order, each with the values that die after it. ATen
/// works eagerly, so that a region is only one more such list, and loops are driven here. What updates
/// variables runs last, when nothing can fail any more, and so may write over them.
struct keras_executable {
  /// Prepares every node once. Throws Failure(KERAS_ERROR_UNSUPPORTED) when a node has no kernel.
  explicit keras_executable(const keras_graph& graph);
  /// `writable` says of an operand that its memory is nobody else's and that an output replaces it; empty:
  /// none.
  keras::aten::Values run(keras::aten::Values operands, const std::vector<char>& writable = {}) const;
  /// Whether an output replaces that operand, or it is donated.
  bool replaces(size_t operand) const { return replaced_[operand] != 0; }
  int32_t device = 0;

 private:
  struct Step {
    std::string name;
    std::unique_ptr<keras_kernel> kernel;
    std::vector<int32_t> inputs;
    std::vector<char> last;  // of each input: nobody reads the value after this
    std::vector<int32_t> outputs;
    std::vector<int32_t> unread;        // outputs that nobody reads
    std::vector<keras_tensor> in, out;  // descriptors, for the profiler
  };
  void run_step(const Step& step, std::vector<at::Tensor>& values, std::vector<at::Tensor>& in,
                const std::vector<char>& writable) const;

  size_t num_inputs_;
  size_t num_values_;
  std::vector<int32_t> outputs_;
  std::vector<char> replaced_;
  std::vector<Step> steps_;
  size_t first_update_;  // steps from here on only update
};

namespace keras::aten {
/// The table's row.
void set_profiler(keras_profiler profiler);
}  // namespace keras::aten
