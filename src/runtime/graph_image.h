// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "keras/graph/graph.h"
#include "keras/runtime/backend.h"

namespace keras::internal {

/// A graph in the plug-in's C form, where values are counted through: inputs, then constants as further
/// inputs, then what nodes make. Owns every array that the C structs point to; the graph must outlive it.
class GraphImage {
 public:
  /// `uses` has an entry per input; `output_variables` one per output: the input that it replaces, or -1.
  GraphImage(const Graph& graph, std::vector<keras_use> uses, const std::vector<int>& output_variables);
  /// A region: its inputs are kept and its outputs replace nothing.
  explicit GraphImage(const Graph& region);
  GraphImage(const GraphImage&) = delete;
  GraphImage& operator=(const GraphImage&) = delete;
  const keras_graph* image() const { return &image_; }

 private:
  struct NodeArrays {
    std::vector<keras_desc> in, out;
    std::vector<int32_t> inputs, outputs;
    std::vector<const keras_graph*> regions;
  };

  int32_t number(Graph::Value v) const { return numbers_[static_cast<size_t>(v)]; }
  void give_number(const Graph& graph, Graph::Value v);
  void number_values(const Graph& graph);
  void add(const Graph::Node& node);

  std::vector<int32_t> numbers_;  // of the graph's values
  std::vector<keras_desc> descs_;
  std::vector<keras_use> uses_;
  std::vector<int32_t> outputs_;
  std::vector<int32_t> output_variables_;
  std::deque<NodeArrays> arrays_;
  std::vector<std::unique_ptr<GraphImage>> regions_;
  std::vector<keras_node> nodes_;
  keras_graph image_{};
};

/// The backend's answer for one node of a graph on the current device, regions included; types must be known.
/// A kernel that comes with it is released.
keras_prepared ask_backend(Backend& backend, const Graph& graph, const Graph::Node& node);

}  // namespace keras::internal
