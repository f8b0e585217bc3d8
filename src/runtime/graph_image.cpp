// SPDX-License-Identifier: Apache-2.0
#include "runtime/graph_image.h"

#include <fmt/format.h>

#include "keras/base/error.h"

namespace keras::internal {

GraphImage::GraphImage(const Graph& graph, std::vector<keras_use> uses,
                       const std::vector<int>& output_variables)
    : uses_(std::move(uses)), output_variables_(output_variables.begin(), output_variables.end()) {
  number_values(graph);
  for (const auto& node : graph.nodes()) add(node);
  for (const auto v : graph.outputs()) outputs_.push_back(number(v));
  image_.struct_size = sizeof(image_);
  image_.num_values = static_cast<int32_t>(descs_.size());
  image_.num_inputs = static_cast<int32_t>(uses_.size());
  image_.num_nodes = static_cast<int32_t>(nodes_.size());
  image_.num_outputs = static_cast<int32_t>(outputs_.size());
  image_.values = descs_.data();
  image_.input_uses = uses_.data();
  image_.nodes = nodes_.data();
  image_.outputs = outputs_.data();
  image_.output_variable = output_variables_.data();
}

GraphImage::GraphImage(const Graph& region)
    : GraphImage(region, std::vector<keras_use>(region.inputs().size(), KERAS_KEEP),
                 std::vector<int>(region.outputs().size(), -1)) {}

void GraphImage::give_number(const Graph& graph, Graph::Value v) {
  numbers_[static_cast<size_t>(v)] = static_cast<int32_t>(descs_.size());
  descs_.push_back(to_desc(graph.type(v)));
}

void GraphImage::number_values(const Graph& graph) {
  numbers_.assign(graph.types().size(), -1);
  for (const auto v : graph.inputs()) give_number(graph, v);
  for (const auto& constant : graph.constants()) {
    give_number(graph, constant.value);
    uses_.push_back(KERAS_VARIABLE);  // that nothing replaces: constants never change
  }
  for (const auto& node : graph.nodes()) {
    for (const auto v : node.outputs) give_number(graph, v);
  }
}

void GraphImage::add(const Graph::Node& node) {
  auto& arrays = arrays_.emplace_back();
  const size_t own = node.outputs.size() - static_cast<size_t>(node.residuals);
  for (const auto v : node.inputs) arrays.inputs.push_back(number(v));
  for (const auto v : node.outputs) arrays.outputs.push_back(number(v));
  for (const auto v : arrays.inputs) arrays.in.push_back(descs_[static_cast<size_t>(v)]);
  for (size_t i = 0; i < own; ++i) arrays.out.push_back(descs_[static_cast<size_t>(arrays.outputs[i])]);
  for (const auto& region : node.regions) {
    if (!region->constants().empty()) {
      fail<ValueError>({"compile", "Regions capture constants from the program around them",
                        fmt::format("{} in a region", region->constants().size()), ""});
    }
    regions_.push_back(std::make_unique<GraphImage>(*region));
    arrays.regions.push_back(regions_.back()->image());
  }
  const auto& def = op_def(node.op);
  keras_node c{};
  c.op.struct_size = sizeof(keras_op);
  c.op.name = def.name.c_str();
  c.op.attributes = node.attributes.data();
  c.op.attributes_size = node.attributes.size();
  c.op.num_inputs = static_cast<int32_t>(arrays.in.size());
  c.op.num_outputs = static_cast<int32_t>(own);
  c.op.inputs = arrays.in.data();
  c.op.outputs = arrays.out.data();
  c.op.wants_residuals = node.residuals > 0 ? 1 : 0;
  c.op.num_regions = static_cast<int32_t>(arrays.regions.size());
  c.op.regions = arrays.regions.data();
  c.inputs = arrays.inputs.data();
  c.outputs = arrays.outputs.data();
  c.num_residuals = node.residuals;
  nodes_.push_back(c);
}

keras_prepared ask_backend(Backend& backend, const Graph& graph, const Graph::Node& node) {
  std::vector<keras_desc> in, out;
  std::vector<std::unique_ptr<GraphImage>> images;
  std::vector<const keras_graph*> regions;
  for (const auto v : node.inputs) in.push_back(to_desc(graph.type(v)));
  for (size_t i = 0; i + static_cast<size_t>(node.residuals) < node.outputs.size(); ++i)
    out.push_back(to_desc(graph.type(node.outputs[i])));
  for (const auto& region : node.regions) {
    images.push_back(std::make_unique<GraphImage>(*region));
    regions.push_back(images.back()->image());
  }
  keras_op op{};
  op.struct_size = sizeof(op);
  op.name = op_def(node.op).name.c_str();
  op.attributes = node.attributes.data();
  op.attributes_size = node.attributes.size();
  op.num_inputs = static_cast<int32_t>(in.size());
  op.num_outputs = static_cast<int32_t>(out.size());
  op.inputs = in.data();
  op.outputs = out.data();
  op.wants_residuals = node.residuals > 0 ? 1 : 0;
  op.num_regions = static_cast<int32_t>(regions.size());
  op.regions = regions.data();
  keras_prepared answer{};
  answer.struct_size = sizeof(answer);
  answer.verdict = KERAS_COMPOSED;
  backend.check(backend.table().prepare(current_device(backend), &op, &answer), op.name);
  if (answer.kernel != nullptr) {
    backend.table().release_kernel(answer.kernel);
    answer.kernel = nullptr;
  }
  return answer;
}

}  // namespace keras::internal
