// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernel.h"

namespace keras::tensorflow {

/// A flat graph of ours, ready to be written into one of TensorFlow's.
class Program {
 public:
  /// Makes the kernel of every node. Throws Failure(KERAS_ERROR_UNSUPPORTED) when a node has none.
  explicit Program(const keras_graph& graph);
  Values write(Builder& b, const Values& operands) const;
  /// Throws where a value is larger than all memory.
  void require_memory() const;

 private:
  struct Step {
    std::shared_ptr<const Kernel> kernel;
    std::vector<int32_t> inputs;
    std::vector<int32_t> outputs;
  };
  size_t num_inputs_;
  size_t num_values_;
  std::vector<int32_t> outputs_;
  std::vector<Step> steps_;
};

}  // namespace keras::tensorflow

/// A compiled graph: one function of TensorFlow's.
struct keras_executable {
  explicit keras_executable(const keras_graph& graph);
  keras::tensorflow::Values run(const keras::tensorflow::Values& operands) const;

 private:
  keras::tensorflow::Program program_;
  std::vector<std::shared_ptr<keras::tensorflow::Function>>
      functions_;  // those of control flow, then the graph's
  int results_;
};
