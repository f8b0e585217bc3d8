// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "keras/graph/attributes.h"

namespace keras {

/// Within its life, this thread's ops compute only dtypes and shapes: results are tensors without elements,
/// variables are read as such, and assignments do nothing. Layers and functions find their output shapes by
/// running themselves in it.
///
///     AbstractEvaluation scope;
///     Shape out = ops::matmul(AbstractEvaluation::tensor({DType::float32, {Dim::unknown(), 4}}),
///     kernel).shape();
class AbstractEvaluation {
 public:
  AbstractEvaluation();
  ~AbstractEvaluation();
  AbstractEvaluation(const AbstractEvaluation&) = delete;
  AbstractEvaluation& operator=(const AbstractEvaluation&) = delete;

  /// A tensor of a dtype and a shape, whose dimensions may be unknown, without elements.
  static Tensor tensor(const TensorType& type);
  /// True when the innermost interpreter of this thread is such a scope's.
  static bool running();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace keras
