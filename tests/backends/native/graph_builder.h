// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <stdexcept>
#include <string>
#include <vector>

#include "backends/native/plugin.h"

namespace keras::native_test {

/// Builds a keras_graph and owns what it points to.
class GraphBuilder {
 public:
  int32_t input(const keras_desc& desc, keras_use use = KERAS_KEEP) {
    uses_.push_back(use);
    values_.push_back(desc);
    return static_cast<int32_t>(values_.size()) - 1;
  }
  template <class A>
  int32_t add(const char* op, A attributes, const std::vector<int32_t>& inputs,
              const std::vector<keras_desc>& outputs, const std::vector<const keras_graph*>& regions = {},
              int residuals = 0) {
    attributes.struct_size = sizeof(A);
    auto& node = nodes_.emplace_back();
    const char* bytes = reinterpret_cast<const char*>(&attributes);
    node.attributes.assign(bytes, bytes + sizeof(A));
    node.inputs = inputs;
    for (const int32_t v : inputs) node.in.push_back(values_[static_cast<size_t>(v)]);
    node.out = outputs;
    node.regions = regions;
    node.name = op;
    node.residuals = residuals;
    const auto first = static_cast<int32_t>(values_.size());
    for (const keras_desc& desc : outputs) {
      node.outputs.push_back(static_cast<int32_t>(values_.size()));
      values_.push_back(desc);
    }
    return first;
  }
  int32_t add(const char* op, const std::vector<int32_t>& inputs, const keras_desc& output) {
    return add(op, NoAttributes{}, inputs, {output});
  }
  void output(int32_t value, int32_t variable = -1) {
    outputs_.push_back(value);
    variables_.push_back(variable);
  }
  const keras_graph* graph() {
    for (auto& node : nodes_) {
      keras_node c{};
      c.op.struct_size = sizeof(keras_op);
      c.op.name = node.name;
      c.op.attributes = node.attributes.data();
      c.op.attributes_size = node.attributes.size();
      c.op.num_inputs = static_cast<int32_t>(node.in.size());
      c.op.num_outputs = static_cast<int32_t>(node.out.size()) - node.residuals;
      c.op.wants_residuals = node.residuals > 0 ? 1 : 0;
      c.num_residuals = node.residuals;
      c.op.inputs = node.in.data();
      c.op.outputs = node.out.data();
      c.op.num_regions = static_cast<int32_t>(node.regions.size());
      c.op.regions = node.regions.data();
      c.inputs = node.inputs.data();
      c.outputs = node.outputs.data();
      c_nodes_.push_back(c);
    }
    graph_ = {};
    graph_.struct_size = sizeof(graph_);
    graph_.num_values = static_cast<int32_t>(values_.size());
    graph_.num_inputs = static_cast<int32_t>(uses_.size());
    graph_.num_nodes = static_cast<int32_t>(c_nodes_.size());
    graph_.num_outputs = static_cast<int32_t>(outputs_.size());
    graph_.values = values_.data();
    graph_.input_uses = uses_.data();
    graph_.nodes = c_nodes_.data();
    graph_.outputs = outputs_.data();
    graph_.output_variable = variables_.data();
    return &graph_;
  }
  std::vector<keras_desc> result_descs() const {
    std::vector<keras_desc> descs;
    for (const int32_t v : outputs_) descs.push_back(values_[static_cast<size_t>(v)]);
    return descs;
  }

 private:
  struct Node {
    const char* name;
    int residuals = 0;
    std::vector<char> attributes;
    std::vector<int32_t> inputs, outputs;
    std::vector<keras_desc> in, out;
    std::vector<const keras_graph*> regions;
  };
  std::vector<keras_desc> values_;
  std::vector<keras_use> uses_;
  std::deque<Node> nodes_;
  std::vector<keras_node> c_nodes_;
  std::vector<int32_t> outputs_, variables_;
  keras_graph graph_{};
};

/// A compiled graph of the plug-in.
class Executable {
 public:
  explicit Executable(GraphBuilder& builder) {
    if (table().compile(0, builder.graph(), &executable_) != KERAS_OK)
      throw std::runtime_error(table().last_error());
    descs_ = builder.result_descs();  // of a graph that names only values it has
  }
  ~Executable() { table().release_executable(executable_); }
  Executable(const Executable&) = delete;
  Executable& operator=(const Executable&) = delete;

  keras_status execute(const std::vector<keras_tensor>& in, std::vector<keras_tensor>& out) const {
    out.clear();
    for (const keras_desc& desc : descs_) out.push_back({nullptr, desc});
    return table().execute(executable_, nullptr, in.data(), static_cast<int32_t>(in.size()), out.data(),
                           static_cast<int32_t>(out.size()));
  }
  std::vector<Array> run(const std::vector<Array>& arrays) const {
    std::vector<keras_tensor> in;
    for (const Array& a : arrays) in.push_back({upload(a), a.desc});
    std::vector<keras_tensor> out;
    const keras_status status = execute(in, out);
    for (const keras_tensor& t : in) table().free(t.buffer);
    if (status != KERAS_OK) throw std::runtime_error(table().last_error());
    std::vector<Array> results;
    for (const keras_tensor& t : out) {
      results.push_back(download(t.buffer, t.desc));
      table().free(t.buffer);
    }
    return results;
  }

 private:
  keras_executable* executable_ = nullptr;
  std::vector<keras_desc> descs_;
};

}  // namespace keras::native_test
