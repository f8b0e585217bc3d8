// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "keras/graph/graph.h"
#include "keras/runtime/backend.h"

namespace keras::internal {

/// For each value of a program, whether it follows from constants and from these inputs alone, and is worth
/// keeping from call to call: it is computed without effects and not much larger than what it comes from.
std::vector<bool> stable_values(const Graph& graph, const std::vector<bool>& stable_inputs);

/// A program in two: `once` computes what follows from stable inputs alone, `rest` everything else.
struct Parted {
  std::shared_ptr<const Graph> once;  ///< its inputs are those that `inputs` counts
  std::vector<int> inputs;            ///< which inputs of the program, in order
  std::shared_ptr<Graph> rest;        ///< inputs: the program's, then the results of `once`
};
/// Parts a program, unless there is nothing to compute once. `stable_inputs`: one for each input, whether it
/// seldom changes from call to call (a variable that the program does not assign).
std::optional<Parted> hoist(const Graph& graph, const std::vector<bool>& stable_inputs);

/// The results of the first part, kept until its operands change. May be asked from several threads.
class Prologue {
 public:
  Prologue(Backend& backend, const Parted& parted);
  size_t num_results() const { return num_results_; }
  /// Puts the results into the last places of `operands`, whose first ones are the program's. `version`
  /// differs where a stable operand differs.
  void fill(std::span<Tensor> operands, uint64_t version);

 private:
  struct Kept {
    uint64_t version;
    std::vector<Tensor> results;
  };

  std::vector<int> inputs_;
  size_t num_results_;
  Executable executable_;
  std::mutex mutex_;
  std::shared_ptr<const Kept> kept_;
};

}  // namespace keras::internal
