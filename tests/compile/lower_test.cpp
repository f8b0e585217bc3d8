// SPDX-License-Identifier: Apache-2.0
// lower, with a backend that has fewer kernels than native.
#include "compile/graph_runs.h"

#include <cstring>

#include "compile/passes/list.h"

namespace keras::internal {
namespace {

using namespace tests;

// Native's table, but some ops are composed.
keras_status declining_prepare(int32_t device, const keras_op* op, keras_prepared* out) {
  for (const char* name : {"softmax", "attention", "layer_norm", "dropout", "random_uniform", "fusion"}) {
    if (std::strcmp(op->name, name) != 0) continue;
    out->verdict = KERAS_COMPOSED;
    out->kernel = nullptr;
    return KERAS_OK;
  }
  return load_backend("native").table().prepare(device, op, out);
}

Backend& poor_backend() {
  static Backend* const backend = [] {
    keras_backend table = load_backend("native").table();
    table.prepare = declining_prepare;
    return new Backend("poor", nullptr, table);  // NOLINT: backends live as long as the process
  }();
  return *backend;
}

Graph lowered(const Graph& before, double tolerance = 1e-5) {
  Graph after = before;
  lower(after, poor_backend());
  const auto operands = random_operands(before);
  expect_same(execute(after, operands), execute(before, operands), tolerance, after.to_string());
  return after;
}

TEST(Lower, DecomposesWhatTheBackendLacks) {
  Draft d;
  const Value x = d.input(f32({2, 5, 3, 4})), gamma = d.input(f32({4})),
              state = d.input({DType::uint32, {2}});
  auto at = make_attributes<AttentionAttributes>();
  at.scale = 0.5;
  at.dropout_rate = 0.25;
  at.causal = 1;
  const Value y = d.op(OpId::attention_op, at, {x, x, x, state});
  auto norm = make_attributes<NormAttributes>();
  norm.axes = to_list({3});
  norm.epsilon = 1e-3;
  const Value n = d.op(OpId::layer_norm_op, norm, {y, gamma, gamma});
  d.graph.set_outputs({d.op(OpId::logsumexp_op,
                            [] {
                              auto axes = make_attributes<ReduceAttributes>();
                              axes.axes = to_list({3});
                              return axes;
                            }(),
                            {n})});
  const Graph after = lowered(d.graph);
  for (const OpId op : {OpId::attention_op, OpId::layer_norm_op, OpId::dropout_op})
    EXPECT_EQ(count(after, op), 0);
  EXPECT_EQ(count(after, OpId::logsumexp_op), 2) << "the backend has this one; attention needs it, too";
}

TEST(Lower, InlinesFusionsThatAreDeclined) {
  Draft d;
  const Value x = d.input(f32({8, 4})), b = d.input(f32({4}));
  d.graph.set_outputs({d.op(OpId::exp_op, {d.op(OpId::add_op, {x, b})})});
  fuse_elementwise(d.graph, [](const Graph&, const Graph::Node&) { return true; });
  ASSERT_EQ(count(d.graph, OpId::fusion_op), 1);
  const Graph after = lowered(d.graph, 0);
  EXPECT_EQ(count(after, OpId::fusion_op), 0);
  EXPECT_EQ(count(after), 2);
}

TEST(Lower, GoesIntoRegions) {
  Draft step;
  const Value carry = step.input(f32({2, 4, 2, 8})), row = step.input(f32({2, 4, 2, 8}));
  auto at = make_attributes<AttentionAttributes>();
  at.scale = 0.3;
  at.causal = 1;
  step.graph.set_outputs({step.op(OpId::attention_op, at, {carry, row, row})});
  Draft d;
  const Value x = d.input(f32({3, 2, 4, 2, 8})), s = d.input(f32({2, 4, 2, 8}));
  auto scan = make_attributes<ScanAttributes>();
  scan.carries = 1;
  scan.inputs = 1;
  scan.length = -1;
  d.graph.set_outputs(d.graph.add_node(OpId::scan_op, &scan, {s, x}, {std::make_shared<Graph>(step.graph)}));
  const Graph after = lowered(d.graph);
  EXPECT_EQ(count(after, OpId::attention_op), 0);
  for (const auto& node : after.nodes()) {
    for (const auto& region : node.regions) EXPECT_TRUE(region->constants().empty());
  }
}

TEST(Lower, KeepsResidualsNative) {
  Draft d;
  const Value x = d.input(f32({4, 8})), gamma = d.input(f32({8})), dy = d.input(f32({4, 8}));
  auto norm = make_attributes<NormAttributes>();
  norm.axes = to_list({1});
  norm.epsilon = 1e-3;
  const TensorType opaque{DType::uint8, Shape{0}};
  const auto y = d.graph.add_node(OpId::layer_norm_op, &norm, {x, gamma, gamma}, {}, {opaque, opaque});
  d.graph.set_outputs(
      {y[0], d.graph.add_node(OpId::layer_norm_grad_op, &norm, {x, gamma, dy, y[1], y[2]})[0]});
  Graph after = d.graph;
  lower(after, poor_backend());
  EXPECT_EQ(count(after, OpId::layer_norm_op), 1);
  EXPECT_EQ(count(after, OpId::layer_norm_grad_op), 1);
}

}  // namespace
}  // namespace keras::internal
