// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "compile/hoist.h"
#include "keras/compile/function.h"
#include "keras/graph/graph.h"
#include "keras/runtime/backend.h"
#include "keras/runtime/variable.h"

namespace keras::internal {

/// A traced function: the graph, and what its inputs and outputs stand for. Its inputs are the leaves of the
/// call, then variables; its outputs are the leaves of the result, then the new values of assigned variables.
class Program {
 public:
  struct State {
    std::shared_ptr<VariableSlot> slot;
    bool trainable;   ///< as it was when the program was traced
    int input = -1;   ///< which input of the graph, -1 when the program only writes it
    int output = -1;  ///< which output, -1 when the program only reads it
  };

  /// Traces `body` on leaves of these types. `example` are leaves with known shapes, for asking the backend.
  Program(const FunctionOptions& options, std::span<const TensorType> types, std::span<const Tensor> example,
          const FunctionCore::Body& body);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// True while the variables are trainable or frozen as they were.
  bool valid() const;
  /// Runs the program: results in the order of the form's leaves. Either all variables are stored or, when
  /// it throws, none.
  void run(std::span<const Tensor> leaves, std::span<Tensor> results) const;
  /// Runs it op by op on the present interpreter, so that a tape sees its ops.
  std::vector<Tensor> replay(std::span<const Tensor> leaves) const;

  size_t num_results() const { return num_results_; }
  /// The result's structure, with abstract leaves; `restore` puts tensors in their places, masks too.
  Nest restore(std::span<const Tensor> results) const;
  /// The program after the passes, for the shapes of its last run.
  std::string to_string() const;
  std::string to_dot() const;

 private:
  struct Compiled {
    std::vector<TensorType> leaves;  ///< concrete types
    std::shared_ptr<Graph> graph;
    std::unique_ptr<Prologue> prologue;  ///< what follows from variables that are only read; may be null
    std::unique_ptr<Executable> executable;
  };
  struct Lease;

  void note_result(const Nest& nest, std::vector<Tensor>& leaves);
  DimBindings bindings_of(std::span<const Tensor> leaves) const;
  std::shared_ptr<const Compiled> compiled_for(std::span<const Tensor> leaves) const;
  std::shared_ptr<const Compiled> compile(std::span<const Tensor> leaves) const;
  /// Another number after any assignment to a variable that the program only reads.
  uint64_t stable_version() const;
  std::unique_ptr<Lease> lease() const;
  void give_back(std::unique_ptr<Lease> lease) const;

  const FunctionOptions& options_;
  std::shared_ptr<Graph> graph_;
  std::vector<TensorType> leaf_types_;
  bool symbolic_ = false;
  bool writes_ = false;
  std::vector<State> states_;
  size_t num_results_ = 0;
  Nest form_;
  std::vector<bool> has_mask_;  // of the form's leaves
  mutable std::mutex mutex_;
  mutable std::mutex writing_;  // programs that store variables run one at a time
  mutable std::list<std::shared_ptr<const Compiled>> compiled_;  // the one used last in front
  mutable std::vector<std::unique_ptr<Lease>> leases_;
};

/// The graph with numbers for symbols. Throws ValueError when a dimension stays unknown.
std::shared_ptr<Graph> specialise(const Graph& graph, const DimBindings& bindings);

}  // namespace keras::internal
