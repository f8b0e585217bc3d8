// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "kernel.h"

namespace keras::native {

/// Where values lie. Values that share memory, because a kernel gives its operand's or writes over it, have
/// one home.
struct Home {
  enum class Kind {
    kOperand,  ///< the caller's operand `operand`
    kArena,    ///< at `offset` of the arena
    kOwn       ///< a buffer of its own: the graph gives it away, or it takes over the caller's operand
  };
  Kind kind = Kind::kArena;
  size_t bytes = 0;
  size_t offset = 0;
  int operand = -1;  ///< kOwn: the operand whose memory it takes over where nobody else holds that, or -1
  int output = -1;   ///< kOwn: the first output that lies there, or -1
  int maker = -1;    ///< the node that wrote there first
};

/// A node in the order of running, with its kernel.
struct PlannedNode {
  int node = 0;  ///< its number in the graph
  std::shared_ptr<const keras_kernel> kernel;
};

/// What compile decides: the order of nodes, and where every value lies.
struct GraphPlan {
  std::vector<PlannedNode> nodes;  ///< without those that only share memory
  std::vector<keras_desc> descs;   ///< of values; those of residuals come from their kernels
  std::vector<int> home_of;        ///< by value; -1: the kernel brings its own buffer
  std::vector<int> root_of;        ///< by value: the value whose memory it is, element by element
  std::vector<Home> homes;
  size_t arena_bytes = 0;
  size_t own_bytes = 0;

  /// `state` as in compile_region, -1 for a whole graph.
  GraphPlan(const keras_graph& graph, int state);

  /// What the plan takes and who needs most of it, for the error of a step without memory.
  std::string tell_sizes(const keras_graph& graph) const;
};

}  // namespace keras::native
