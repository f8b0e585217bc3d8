// SPDX-License-Identifier: Apache-2.0
#include "graph_check.h"

#include <string>
#include <vector>

#include "kernel.h"

namespace keras::native {
namespace {

[[noreturn]] void refuse(const std::string& why) {
  throw Failure(KERAS_ERROR_VALUE, "the graph cannot be compiled: " + why);
}

std::string value(int32_t v) { return "value " + std::to_string(v); }

}  // namespace

void check_graph(const keras_graph& graph) {
  if (graph.num_inputs < 0 || graph.num_inputs > graph.num_values) {
    refuse(std::to_string(graph.num_inputs) + " inputs among " + std::to_string(graph.num_values) +
           " values");
  }
  std::vector<char> made(static_cast<size_t>(graph.num_values), 0);
  for (int32_t v = 0; v < graph.num_inputs; ++v) made[static_cast<size_t>(v)] = 1;
  const auto there = [&](int32_t v) {
    return v >= 0 && v < graph.num_values && made[static_cast<size_t>(v)] != 0;
  };
  for (int32_t n = 0; n < graph.num_nodes; ++n) {
    const keras_node& node = graph.nodes[n];
    const std::string name = node.op.name;
    for (int32_t i = 0; i < node.op.num_inputs; ++i) {
      if (!there(node.inputs[i])) {
        refuse(name + " reads " + value(node.inputs[i]) + ", which is no input (those are the first " +
               std::to_string(graph.num_inputs) + " values) and made by no node before it");
      }
    }
    for (int32_t i = 0; i < node.op.num_outputs + node.num_residuals; ++i) {
      const int32_t v = node.outputs[i];
      if (v < 0 || v >= graph.num_values) refuse(name + " makes " + value(v) + ", which is not in the graph");
      if (there(v)) refuse(name + " makes " + value(v) + ", which is there already");
      made[static_cast<size_t>(v)] = 1;
    }
  }
  for (int32_t k = 0; k < graph.num_outputs; ++k) {
    if (!there(graph.outputs[k])) refuse(value(graph.outputs[k]) + " is an output, and nothing makes it");
    if (graph.output_variable[k] >= graph.num_inputs) {
      refuse("output " + std::to_string(k) + " replaces " + value(graph.output_variable[k]) +
             ", which is no input");
    }
  }
}

}  // namespace keras::native
