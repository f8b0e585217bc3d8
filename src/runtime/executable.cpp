// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <deque>

#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "runtime/graph_driver.h"

namespace keras::internal {

namespace {

// A graph in the plug-in's C form, where values are counted through: inputs, then constants as further
// inputs, then what nodes make. Owns every array that the C structs point to.
class GraphImage {
 public:
  GraphImage(const Graph& graph, std::vector<keras_use> uses, const std::vector<int>& output_variables)
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
  const keras_graph* image() const { return &image_; }

 private:
  struct NodeArrays {
    std::vector<keras_desc> in, out;
    std::vector<int32_t> inputs, outputs;
    std::vector<const keras_graph*> regions;
  };

  int32_t number(Graph::Value v) const { return numbers_[static_cast<size_t>(v)]; }
  void give_number(const Graph& graph, Graph::Value v) {
    numbers_[static_cast<size_t>(v)] = static_cast<int32_t>(descs_.size());
    descs_.push_back(to_desc(graph.type(v)));
  }

  void number_values(const Graph& graph) {
    numbers_.assign(graph.types().size(), -1);
    for (const auto v : graph.inputs()) give_number(graph, v);
    for (const auto& constant : graph.constants()) {
      give_number(graph, constant.value);
      uses_.push_back(KERAS_KEEP);
    }
    for (const auto& node : graph.nodes()) {
      for (const auto v : node.outputs) give_number(graph, v);
    }
  }

  void add(const Graph::Node& node) {
    auto& arrays = arrays_.emplace_back();
    const size_t own = node.outputs.size() - static_cast<size_t>(node.residuals);
    for (const auto v : node.inputs) arrays.inputs.push_back(number(v));
    for (const auto v : node.outputs) arrays.outputs.push_back(number(v));
    for (const auto v : arrays.inputs) arrays.in.push_back(descs_[static_cast<size_t>(v)]);
    for (size_t i = 0; i < own; ++i) arrays.out.push_back(descs_[static_cast<size_t>(arrays.outputs[i])]);
    for (const auto& region : node.regions) {
      const auto inputs = static_cast<size_t>(region->num_inputs());
      if (!region->constants().empty()) {
        fail<ValueError>({"compile", "Regions capture constants from the program around them",
                          fmt::format("{} in a region", region->constants().size()), ""});
      }
      regions_.push_back(std::make_unique<GraphImage>(*region, std::vector<keras_use>(inputs, KERAS_KEEP),
                                                      std::vector<int>(region->outputs().size(), -1)));
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

}  // namespace

struct Executable::State {
  Backend& backend;
  std::shared_ptr<const Graph> graph;
  std::vector<keras_use> uses;
  std::vector<keras_desc> operands;
  keras_executable* executable = nullptr;  // null: driven node by node
};

Executable::Executable(Backend& backend, std::shared_ptr<const Graph> graph, std::vector<keras_use> uses,
                       std::vector<int> output_variables)
    : state_(new State{backend, std::move(graph), std::move(uses), {}, nullptr}) {
  const Graph& g = *state_->graph;
  for (const auto& type : g.types()) {
    if (!type.shape.known()) {
      fail<ValueError>({"compile", "A graph is compiled for concrete shapes", type.to_string(), ""});
    }
  }
  for (const auto v : g.inputs()) state_->operands.push_back(to_desc(g.type(v)));
  const GraphImage image(g, state_->uses, output_variables);
  const keras_status status = backend.table().compile(0, image.image(), &state_->executable);
  if (status == KERAS_ERROR_UNSUPPORTED) {
    state_->executable = nullptr;
  } else {
    backend.check(status, "compile");
  }
}

Executable::~Executable() {
  if (state_->executable != nullptr) state_->backend.table().release_executable(state_->executable);
}

bool Executable::compiled() const { return state_->executable != nullptr; }

Tensors Executable::run(std::span<Tensor> operands) const {
  const State& s = *state_;
  if (operands.size() != s.operands.size()) {
    fail<ValueError>({"execute", fmt::format("The graph takes {} operands", s.operands.size()),
                      fmt::format("{}", operands.size()), ""});
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    const TensorType given{operands[i].dtype(), operands[i].shape()};
    const TensorType& wanted = s.graph->type(s.graph->inputs()[i]);
    if (!(given == wanted)) {
      fail<ValueError>(
          {"execute", fmt::format("Operand {} must be {}", i, wanted.to_string()), given.to_string(), ""});
    }
  }
  if (s.executable == nullptr) {
    std::vector<Tensor> values(operands.begin(), operands.end());
    for (size_t i = 0; i < operands.size(); ++i) {
      if (s.uses[i] == KERAS_DONATE) operands[i] = Tensor();
    }
    const InterpreterScope eager(eager_interpreter(), InterpreterScope::Replace{});
    const auto results = drive_graph(*s.graph, std::move(values));
    return {results.begin(), results.end()};
  }
  SmallVector<keras_tensor, 16> in;
  for (size_t i = 0; i < operands.size(); ++i) {
    in.push_back({static_cast<keras_buffer*>(device_handle(operands[i], s.backend)), s.operands[i]});
  }
  for (const auto& [v, tensor] : s.graph->constants()) {
    in.push_back({static_cast<keras_buffer*>(device_handle(tensor, s.backend)), to_desc(tensor)});
  }
  SmallVector<keras_tensor, 16> out;
  for (const auto v : s.graph->outputs()) out.push_back({nullptr, to_desc(s.graph->type(v))});
  s.backend.check(s.backend.table().execute(s.executable, nullptr, in.data(), static_cast<int32_t>(in.size()),
                                            out.data(), static_cast<int32_t>(out.size())),
                  "execute");
  Tensors results;
  for (size_t i = 0; i < out.size(); ++i) {
    results.push_back(adopt(s.graph->type(s.graph->outputs()[i]), DeviceMemory(&s.backend, out[i].buffer)));
  }
  for (size_t i = 0; i < operands.size(); ++i) {
    if (s.uses[i] == KERAS_DONATE) operands[i] = Tensor();
  }
  return results;
}

}  // namespace keras::internal
