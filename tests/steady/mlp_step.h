// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "keras/runtime/backend.h"

namespace keras::tests {

/// A graph with what it takes to run it again and again: operands, and where results go.
struct Program {
  std::shared_ptr<const Graph> graph;
  std::unique_ptr<internal::Executable> executable;
  std::vector<Tensor> operands;
  std::vector<Tensor> results;
  std::vector<int> replaces;  ///< by result: the operand that it replaces, or -1

  Program(std::shared_ptr<const Graph> built, std::vector<Tensor> given, std::vector<keras_use> uses,
          std::vector<int> output_variables);
  /// Runs once and moves new variables to where the next step reads them.
  void step();
};

/// A training step of a multilayer perceptron with ReLU, softmax cross-entropy and Adam, written out by hand.
/// Its first result is the loss.
Program mlp_training(int64_t batch, const std::vector<int64_t>& widths);

/// Its inference: constants or read-only variables as weights.
Program mlp_inference(int64_t batch, const std::vector<int64_t>& widths, bool constants);

}  // namespace keras::tests
