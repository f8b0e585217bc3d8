// SPDX-License-Identifier: Apache-2.0
#include "runtime/graph_driver.h"

#include <fmt/format.h>

#include "keras/base/error.h"

namespace keras::internal {

std::vector<Tensor> drive_graph(const Graph& graph, std::vector<Tensor> operands) {
  if (operands.size() != static_cast<size_t>(graph.num_inputs())) {
    fail<ValueError>({"graph", fmt::format("The graph takes {} operands", graph.num_inputs()),
                      fmt::format("{}", operands.size()), ""});
  }
  std::vector<int> uses(graph.types().size(), 0);
  for (const auto& node : graph.nodes()) {
    for (const auto v : node.inputs) ++uses[static_cast<size_t>(v)];
  }
  for (const auto v : graph.outputs()) ++uses[static_cast<size_t>(v)];

  std::vector<Tensor> values(graph.types().size());
  for (size_t i = 0; i < operands.size(); ++i) {
    values[static_cast<size_t>(graph.inputs()[i])] = std::move(operands[i]);
  }
  operands.clear();
  for (const auto& [v, tensor] : graph.constants()) values[static_cast<size_t>(v)] = tensor;
  std::vector<Tensor> in;
  for (const auto& node : graph.nodes()) {
    in.clear();
    for (const auto v : node.inputs) {
      auto& value = values[static_cast<size_t>(v)];
      in.push_back(value);
      if (--uses[static_cast<size_t>(v)] == 0) value = Tensor();
    }
    Tensors results =
        apply(OpCall{&op_def(node.op), node.attributes.data(), in, node.residuals > 0, {}, node.regions});
    if (results.size() < node.outputs.size()) {
      fail<BackendError>({op_def(node.op).name, "A node gives as many values as its graph says",
                          fmt::format("{} of {}", results.size(), node.outputs.size()), ""});
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const auto v = static_cast<size_t>(node.outputs[i]);
      if (uses[v] > 0) values[v] = std::move(results[i]);
    }
  }
  std::vector<Tensor> out;
  for (const auto v : graph.outputs()) out.push_back(values[static_cast<size_t>(v)]);
  return out;
}

namespace {

Tensors to_tensors(const std::vector<Tensor>& values) { return {values.begin(), values.end()}; }

// Row i of every tensor, without its leading axis.
Tensor row(const Tensor& t, int64_t i) {
  auto cut = make_attributes<SliceAttributes>();
  Shape start(t.shape().size(), Dim(0));
  Shape limit = t.shape();
  start[0] = i;
  limit[0] = i + 1;
  cut.start = to_list(start);
  cut.limit = to_list(limit);
  cut.stride.count = t.rank();
  for (int a = 0; a < t.rank(); ++a) cut.stride.v[a] = 1;
  auto flat = make_attributes<ShapeAttributes>();
  flat.shape = to_list(t.shape().sub(1));
  return apply_op(OpId::reshape_op, flat, {apply_op(OpId::slice_op, cut, {t})});
}

Tensor stack_rows(const std::vector<Tensor>& rows) {
  std::vector<Tensor> parts;
  for (const Tensor& r : rows) {
    auto lead = make_attributes<ShapeAttributes>();
    lead.shape = to_list(Shape{1} + r.shape());
    parts.push_back(apply_op(OpId::reshape_op, lead, {r}));
  }
  auto axis = make_attributes<AxisAttributes>();
  return apply_op(OpId::concat_op, axis, std::span<const Tensor>(parts));
}

Tensors drive_while(const OpCall& call) {
  const auto& attrs = *static_cast<const WhileAttributes*>(call.attributes);
  std::vector<Tensor> state(call.operands.begin(), call.operands.begin() + attrs.carries);
  const std::vector<Tensor> captured(call.operands.begin() + attrs.carries, call.operands.end());
  for (int64_t step = 0; attrs.maximum_iterations < 0 || step < attrs.maximum_iterations; ++step) {
    std::vector<Tensor> operands = state;
    operands.insert(operands.end(), captured.begin(), captured.end());
    if (!drive_graph(*call.regions[0], operands)[0].item<bool>()) break;
    state.clear();
    state = drive_graph(*call.regions[1], std::move(operands));
  }
  return to_tensors(state);
}

Tensors drive_scan(const OpCall& call) {
  const auto& attrs = *static_cast<const ScanAttributes*>(call.attributes);
  const auto carries = static_cast<size_t>(attrs.carries);
  const auto inputs = static_cast<size_t>(attrs.inputs);
  std::vector<Tensor> state(call.operands.begin(), call.operands.begin() + attrs.carries);
  const auto sequences = call.operands.subspan(carries, inputs);
  const auto captured = call.operands.subspan(carries + inputs);
  const int64_t length = attrs.length >= 0 ? attrs.length : sequences[0].shape().front().value();
  std::vector<std::vector<Tensor>> rows(call.regions[0]->outputs().size() - carries);
  for (auto& r : rows) r.resize(static_cast<size_t>(length));
  for (int64_t step = 0; step < length; ++step) {
    const int64_t i = attrs.reverse != 0 ? length - 1 - step : step;
    std::vector<Tensor> operands = state;
    for (const Tensor& s : sequences) operands.push_back(row(s, i));
    operands.insert(operands.end(), captured.begin(), captured.end());
    auto results = drive_graph(*call.regions[0], std::move(operands));
    for (size_t k = 0; k < rows.size(); ++k) rows[k][static_cast<size_t>(i)] = results[carries + k];
    results.resize(carries);
    state = std::move(results);
  }
  Tensors out = to_tensors(state);
  if (length == 0 && !rows.empty()) {
    fail<ValueError>({"scan", "A scan needs at least one step", "length 0", ""});
  }
  for (const auto& r : rows) out.push_back(stack_rows(r));
  return out;
}

}  // namespace

Tensors drive_control_flow(const OpCall& call) {
  if (call.regions.empty()) {
    fail<UnsupportedError>({call.op->name, "A control-flow op needs its regions", "", ""});
  }
  const std::vector<Tensor> operands(call.operands.begin(), call.operands.end());
  switch (call.op->id) {
    case OpId::cond_op: {
      const bool choice = operands[0].item<bool>();
      return to_tensors(drive_graph(*call.regions[choice ? 0 : 1], {operands.begin() + 1, operands.end()}));
    }
    case OpId::while_op:
      return drive_while(call);
    case OpId::scan_op:
      return drive_scan(call);
    default:
      return to_tensors(drive_graph(*call.regions[0], operands));
  }
}

}  // namespace keras::internal
