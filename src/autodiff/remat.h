// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>

#include "keras/tensor/tensor.h"

namespace keras::internal {

/// Puts a scope of the first run back for as long as the result lives.
using ScopeRestorer = std::function<std::shared_ptr<void>()>;
/// Adds a scope of this thread that a recomputation needs as it was at the first run: `capture` is asked
/// then. For the rooms that have such scopes.
bool add_recomputed_scope(ScopeRestorer (*capture)());

/// Tells the rematerialized functions that are running of a tensor that leaves them by another way than their
/// results, such as a layer's loss: gradients then come back through it, too.
void note_escaping(const Tensor& tensor);
/// True while a function is computed again: what it leaves outside of itself stands there already.
bool recomputing();

/// Within its life, too, nothing that leaves a function by another way is kept: it runs for its types alone.
class EscapingDiscarded {
 public:
  EscapingDiscarded();
  ~EscapingDiscarded();
  EscapingDiscarded(const EscapingDiscarded&) = delete;
  EscapingDiscarded& operator=(const EscapingDiscarded&) = delete;
};

}  // namespace keras::internal
