// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel.h"

/// A graph made ready to run: the kernels of its nodes in order, each with the values that die after it. ATen
/// works eagerly, so that a region is only one more such list, and loops are driven here.
struct keras_executable {
  /// Prepares every node once. Throws Failure(KERAS_ERROR_UNSUPPORTED) when a node has no kernel.
  explicit keras_executable(const keras_graph& graph);
  keras::aten::Values run(keras::aten::Values operands) const;
  int32_t device = 0;

 private:
  struct Step {
    std::string name;
    std::unique_ptr<keras_kernel> kernel;
    std::vector<int32_t> inputs;
    std::vector<int32_t> outputs;
    std::vector<int32_t> dead;
  };
  size_t num_inputs_;
  size_t num_values_;
  std::vector<int32_t> outputs_;
  std::vector<Step> steps_;
};
