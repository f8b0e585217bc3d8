// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <vector>

#include "keras/runtime/interpreter.h"

namespace keras::internal {

/// A control-flow op as a tape records it: with further results that its gradient reads (the carries at the
/// start of each step of a scan; the number of steps of a while).
struct RecordedRegions {
  std::vector<std::shared_ptr<const Graph>> regions;
  std::vector<uint8_t> attributes;
  std::vector<Tensor> operands;
  size_t results;     ///< of the call itself; those after them are for the gradient alone
  size_t kept_after;  ///< the gradient reads the results from here on
};

RecordedRegions regions_for_gradient(const OpCall& call);

/// A while with a bound as a scan over as many steps, each of which runs while the condition holds: its
/// gradient then takes one pass. Returns the results of the while.
Tensors bounded_while_as_scan(const OpCall& call);

}  // namespace keras::internal
