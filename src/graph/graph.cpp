// SPDX-License-Identifier: Apache-2.0
#include "keras/graph/graph.h"

#include <fmt/format.h>

#include "keras/base/error.h"

namespace keras {

Graph::Value Graph::add_value(const TensorType& type) {
  types_.push_back(type);
  return static_cast<Value>(types_.size()) - 1;
}

Graph::Value Graph::add_input(const TensorType& type) {
  inputs_.push_back(add_value(type));
  return inputs_.back();
}

Graph::Value Graph::add_constant(Tensor tensor) {
  if (tensor.abstract()) {
    internal::fail<ValueError>({"Graph", "A constant must have a value", "an abstract tensor", ""});
  }
  const Value v = add_value({tensor.dtype(), tensor.shape()});
  constants_.push_back({v, std::move(tensor)});
  return v;
}

std::vector<Graph::Value> Graph::add_node(OpId op, const void* attributes, const std::vector<Value>& inputs,
                                          std::vector<std::shared_ptr<const Graph>> regions,
                                          const std::vector<TensorType>& residual_types) {
  const auto& def = internal::op_def(op);
  std::vector<TensorType> operand_types;
  for (const Value v : inputs) {
    if (v < 0 || static_cast<size_t>(v) >= types_.size()) {
      internal::fail<ValueError>(
          {def.name, "A node may only read values made before it", fmt::format("%{}", v), ""});
    }
    operand_types.push_back(types_[static_cast<size_t>(v)]);
  }
  SmallVector<TensorType, 4> results;
  if (def.has('X')) {
    // The last region's outputs are the results: the branches of a cond agree, a loop gives its carries
    // (and a scan, stacked, what its step gives after them). Behind custom_vjp's body stands its gradient.
    if (regions.empty())
      internal::fail<ValueError>({def.name, "A control-flow node needs its regions", "", ""});
    const Graph& body = op == OpId::custom_vjp_op ? *regions.front() : *regions.back();
    for (const Value v : body.outputs()) results.push_back(body.type(v));
    if (op == OpId::scan_op) {
      const auto& attrs = *static_cast<const ScanAttributes*>(attributes);
      Dim length = attrs.length >= 0 ? Dim(attrs.length)
                                     : operand_types[static_cast<size_t>(attrs.carries)].shape.front();
      for (size_t i = static_cast<size_t>(attrs.carries); i < results.size(); ++i)
        results[i].shape.insert(0, length);
    }
  } else {
    results = internal::infer(def, attributes, operand_types);
  }
  Node node;
  node.op = op;
  const auto* bytes = static_cast<const uint8_t*>(attributes);
  node.attributes.assign(bytes, bytes + def.attributes.size);
  node.inputs = inputs;
  node.regions = std::move(regions);
  node.residuals = static_cast<int>(residual_types.size());
  for (const auto& type : results) node.outputs.push_back(add_value(type));
  for (const auto& type : residual_types) node.outputs.push_back(add_value(type));
  nodes_.push_back(std::move(node));
  return nodes_.back().outputs;
}

namespace {

std::string value_list(const std::vector<Graph::Value>& values) {
  std::string out;
  for (const auto v : values) out += fmt::format("{}%{}", out.empty() ? "" : ", ", v);
  return out;
}

void print(const Graph& graph, const std::string& indent, std::string& out) {
  out += indent + "inputs:";
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const auto v = graph.inputs()[i];
    out += fmt::format("{} %{} : {}", i == 0 ? "" : ",", v, graph.type(v).to_string());
  }
  out += "\n";
  for (const auto& [v, tensor] : graph.constants()) {
    const bool small = tensor.dtype() != DType::string && tensor.elements() == 1;
    out += fmt::format("{}%{} = {} : {}\n", indent, v, small ? "the value " + tensor.to_string() : "a tensor",
                       graph.type(v).to_string());
  }
  for (const auto& node : graph.nodes()) {
    const auto& def = internal::op_def(node.op);
    std::string types;
    for (const auto v : node.outputs) types += (types.empty() ? "" : ", ") + graph.type(v).to_string();
    const std::string attributes = internal::attributes_to_string(def.attributes, node.attributes.data());
    out += fmt::format("{}{} = {}({}){}{} : {}\n", indent, value_list(node.outputs), def.name,
                       value_list(node.inputs), attributes == "{}" ? "" : " ",
                       attributes == "{}" ? "" : attributes, types);
    for (const auto& region : node.regions) {
      out += indent + "  region:\n";
      print(*region, indent + "    ", out);
    }
  }
  out += indent + "outputs: " + value_list(graph.outputs()) + "\n";
}

}  // namespace

std::string Graph::to_string() const {
  std::string out;
  print(*this, "", out);
  return out;
}

std::string Graph::to_dot() const {
  std::string out = "digraph keras {\n  node [shape=box, fontname=\"sans-serif\"];\n";
  for (const auto v : inputs_) {
    out += fmt::format("  v{} [label=\"%{} : {}\", style=rounded];\n", v, v, type(v).to_string());
  }
  for (const auto& [v, tensor] : constants_) {
    out += fmt::format("  v{} [label=\"%{} : {}\", style=\"rounded,dashed\"];\n", v, v, type(v).to_string());
  }
  for (size_t n = 0; n < nodes_.size(); ++n) {
    const auto& node = nodes_[n];
    out += fmt::format("  n{} [label=\"{}\"];\n", n, internal::op_def(node.op).name);
    for (const auto v : node.inputs) out += fmt::format("  v{} -> n{};\n", v, n);
    for (const auto v : node.outputs) {
      out += fmt::format("  v{} [label=\"%{} : {}\", style=rounded];\n  n{} -> v{};\n", v, v,
                         type(v).to_string(), n, v);
    }
  }
  for (const auto v : outputs_) out += fmt::format("  v{} [penwidth=2];\n", v);
  return out + "}\n";
}

}  // namespace keras
