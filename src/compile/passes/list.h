// SPDX-License-Identifier: Apache-2.0
// The passes, one function each. What each does stands in the table of src/compile/pass.cpp.
#pragma once

#include <functional>

#include "compile/pass.h"

namespace keras::internal {

/// What a pass knows of its surroundings.
struct PassContext {
  const PassOptions& options;
  bool region = false;  ///< the graph is a region: it may not hold constants
};

void inline_calls(Graph& graph, const PassContext& context);
void sink_captures(Graph& graph, const PassContext& context);
void fold_constants(Graph& graph, const PassContext& context);
void simplify(Graph& graph, const PassContext& context);
void merge_common(Graph& graph, const PassContext& context);
void drop_dead(Graph& graph, const PassContext& context);
void fold_batch_norm(Graph& graph, const PassContext& context);
void rewrite_softmax(Graph& graph, const PassContext& context);
void rewrite_cross_entropy(Graph& graph, const PassContext& context);
void rewrite_norm(Graph& graph, const PassContext& context);
void rewrite_attention(Graph& graph, const PassContext& context);
void rewrite_linear(Graph& graph, const PassContext& context);
void rewrite_conv(Graph& graph, const PassContext& context);
void sink_padding(Graph& graph, const PassContext& context);
void sink_broadcasts(Graph& graph, const PassContext& context);
void sink_reshapes(Graph& graph, const PassContext& context);
void merge_updates(Graph& graph, const PassContext& context);
void repeat_casts(Graph& graph, const PassContext& context);
void fuse_elementwise(Graph& graph, const PassContext& context);

/// Says of a candidate `fusion` node whether it is taken.
using FusionTaken = std::function<bool(const Graph&, const Graph::Node&)>;
/// fuse, with another judge than the backend. What follows from stable inputs is kept apart from the rest.
void fuse_elementwise(Graph& graph, const FusionTaken& taken, const std::vector<bool>& stable_inputs = {});

}  // namespace keras::internal
