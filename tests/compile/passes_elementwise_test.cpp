// SPDX-License-Identifier: Apache-2.0
// The passes that make loops: broadcasts, reshapes, updates, fuse.
#include <algorithm>

#include "compile/graph_runs.h"
#include "compile/passes/clusters.h"
#include "compile/passes/list.h"

namespace keras::internal {
namespace {

using namespace tests;

TEST(BroadcastsPass, LetsOpsBroadcastByThemselves) {
  Draft d;
  const Value x = d.input(f32({4, 5})), row = d.input(f32({5})), column = d.input(f32({4, 1}));
  const Value a = d.op(OpId::add_op, {x, d.broadcast(row, {4, 5})});
  const Value b = d.op(OpId::mul_op, {d.broadcast(row, {4, 5}), d.broadcast(column, {4, 5})});
  const Value c = d.op(OpId::maximum_op, {x, d.number(0.5, DType::float32, {4, 5})});
  d.graph.set_outputs({a, b, c});
  const Graph after = optimized(d.graph, only({"broadcasts", "dead"}));
  EXPECT_EQ(count(after, OpId::broadcast_to_op), 0);
  EXPECT_EQ(after.type(after.nodes().back().inputs[1]).shape, Shape{});
}

TEST(BroadcastsPass, DoesSmallWorkBeforeBroadcasting) {
  Draft d;
  const Value row = d.input(f32({5}));
  const Value y = d.op(OpId::exp_op, {d.op(OpId::neg_op, {d.broadcast(row, {7, 5})})});
  d.graph.set_outputs({d.reduce(OpId::reduce_sum_op, y, {1})});
  const Graph after = optimized(d.graph, only({"broadcasts", "dead"}));
  ASSERT_EQ(count(after, OpId::broadcast_to_op), 1);
  for (const auto& node : after.nodes()) {
    if (node.op == OpId::exp_op) {
      EXPECT_EQ(after.type(node.outputs[0]).shape, Shape{5});
    }
  }
}

TEST(ReshapesPass, GoBehindElementwiseOps) {
  Draft d;
  const Value x = d.input(f32({4, 6}));
  const Value y = d.reshape(d.op(OpId::exp_op, {x}), {2, 12});
  const Value z = d.op(OpId::add_op, {d.op(OpId::mul_op, {y, d.number(2)}), d.number(1)});
  d.graph.set_outputs({z, d.reshape(x, {24})});
  const Graph after = optimized(d.graph, only({"reshapes", "dead"}));
  EXPECT_EQ(after.nodes().back().op, OpId::reshape_op);
  EXPECT_EQ(count(after, OpId::reshape_op), 2);
  for (const auto& node : after.nodes()) {
    if (node.op == OpId::add_op) {
      EXPECT_EQ(after.type(node.outputs[0]).shape, (Shape{4, 6}));
    }
  }
}

// One update_many of a parameter by SGD with momentum.
std::vector<Value> momentum(Draft& d, Value rate, Value step, const Shape& shape, double decay,
                            Value gradient) {
  auto at = make_attributes<UpdateAttributes>();
  at.rule = KERAS_UPDATE_SGD;
  at.count = 1;
  at.slots = 1;
  at.momentum = 0.9;
  at.beta_1 = 0.9;
  at.weight_decay = decay;
  const Value w = d.input(f32(shape)), slot = d.input(f32(shape));
  return d.graph.add_node(OpId::update_many_op, &at, {rate, step, w, gradient, slot});
}

TEST(UpdatesPass, JoinsEqualRules) {
  Draft d;
  const Value rate = d.input(f32({})), step = d.input({DType::int64, {}});
  std::vector<Value> out;
  for (const Shape& shape : {Shape{3, 2}, Shape{5}, Shape{4}, Shape{2, 2}}) {
    const Value g = d.input(f32(shape));
    const double decay = shape == Shape{4} ? 0.01 : 0;
    for (const Value v : momentum(d, rate, step, shape, decay, d.op(OpId::neg_op, {g}))) out.push_back(v);
  }
  d.graph.set_outputs(out);
  EXPECT_EQ(count(optimized(d.graph, only({"updates"})), OpId::update_many_op), 2);
}

TEST(UpdatesPass, KeepsApartWhatFollowsFromAnother) {
  Draft d;
  const Value rate = d.input(f32({})), step = d.input({DType::int64, {}});
  const Value g = d.input(f32({3}));
  const auto first = momentum(d, rate, step, {3}, 0, g);
  const auto second = momentum(d, rate, step, {3}, 0, d.op(OpId::mul_op, {first[0], g}));
  d.graph.set_outputs({first[0], first[1], second[0], second[1]});
  EXPECT_EQ(count(optimized(d.graph, only({"updates"})), OpId::update_many_op), 2);
}

// Clusters

TEST(Clusters, RefuseToWaitForEachOther) {
  // 0 -> 1 -> 2 and 0 -> 2: joining 0 and 2 would put 1 behind and before them.
  Clusters triangle({{1, 2}, {2}, {}});
  EXPECT_FALSE(triangle.join(0, 2));
  EXPECT_TRUE(triangle.join(0, 1));
  EXPECT_TRUE(triangle.join(0, 2));
  // a1 -> b1, b2 -> a2: two groups of two would wait for each other.
  Clusters crossed({{2}, {3}, {}, {}});  // 0=a1 1=b2 2=b1 3=a2
  EXPECT_TRUE(crossed.join(0, 3));
  EXPECT_FALSE(crossed.join(1, 2));
}

TEST(Clusters, KeepAnOrderThatRuns) {
  std::mt19937 generator(5);
  for (int round = 0; round < 200; ++round) {
    const int n = 24;
    std::vector<std::vector<int>> successors(n);
    for (int i = 0; i < n; ++i) {
      for (int k = i + 1; k < n; ++k) {
        if (generator() % 6 == 0) successors[static_cast<size_t>(i)].push_back(k);
      }
    }
    Clusters clusters(successors);
    for (int tries = 0; tries < 40; ++tries)
      clusters.join(static_cast<int>(generator() % n), static_cast<int>(generator() % n));
    std::vector<int> place(n, -1);
    int next = 0;
    for (const int cluster : clusters.order()) {
      for (const int member : clusters.members(cluster)) place[static_cast<size_t>(member)] = next;
      ++next;
    }
    for (int i = 0; i < n; ++i) {
      ASSERT_GE(place[static_cast<size_t>(i)], 0);
      for (const int k : successors[static_cast<size_t>(i)])
        EXPECT_LE(place[static_cast<size_t>(i)], place[static_cast<size_t>(k)]);
    }
  }
}

// fuse

// The program with every loop that can be made; its results must stay.
Graph fused(const Graph& before, double tolerance) {
  Graph after = before;
  fuse_elementwise(after, [](const Graph&, const Graph::Node&) { return true; });
  const auto operands = random_operands(before);
  expect_same(execute(after, operands), execute(before, operands), tolerance, after.to_string());
  optimized(before, only({"fuse"}), tolerance);  // and as the backend likes it
  return after;
}

TEST(FusePass, JoinsAChain) {
  Draft d;
  const Value x = d.input(f32({64, 33})), bias = d.input(f32({33}));
  const Value y = d.op(OpId::tanh_op, {d.op(OpId::add_op, {d.op(OpId::mul_op, {x, d.number(3)}), bias})});
  d.graph.set_outputs({y});
  const Graph after = fused(d.graph, 1e-6);
  EXPECT_EQ(count(after), 1);
  EXPECT_EQ(count(after, OpId::fusion_op), 1);
}

TEST(FusePass, GivesWhatIsReadOutside) {
  Draft d;
  const Value x = d.input(f32({128}));
  const Value e = d.op(OpId::exp_op, {x});
  const Value y = d.op(OpId::add_op, {e, x});
  d.graph.set_outputs({d.reduce(OpId::reduce_sum_op, e, {0}), y});
  const Graph after = fused(d.graph, 1e-5);
  EXPECT_EQ(count(after), 2);
  EXPECT_EQ(after.nodes()[0].outputs.size(), 2u);
}

TEST(FusePass, DoesNotWaitForItself) {
  // softmax by hand: the shift and the division stand on two sides of a reduction
  Draft d;
  const Value x = d.input(f32({16, 16}));
  const Value e = d.op(OpId::exp_op, {d.op(OpId::neg_op, {x})});
  const Value sum = d.reduce(OpId::reduce_sum_op, e, {1}, true);
  d.graph.set_outputs({d.op(OpId::mul_op, {d.op(OpId::div_op, {e, sum}), d.number(2)})});
  const Graph after = fused(d.graph, 1e-5);
  EXPECT_EQ(count(after), 3);
  EXPECT_EQ(count(after, OpId::fusion_op), 2);
}

TEST(FusePass, RepeatsConversions) {
  Draft d;
  const Value mask = d.input({DType::bool_, {256}});
  const Value x = d.input(f32({256})), y = d.input(f32({256}));
  const Value m = d.cast(mask, DType::float32);
  const Value a = d.op(OpId::exp_op, {d.op(OpId::mul_op, {x, m})});
  const Value sum = d.reduce(OpId::reduce_sum_op, a, {0}, true);
  const Value b = d.op(OpId::mul_op, {d.op(OpId::mul_op, {y, m}), sum});
  d.graph.set_outputs({b});
  const Graph after = fused(d.graph, 1e-5);
  EXPECT_EQ(count(after), 3);
  for (const auto& node : after.nodes()) {
    if (node.op == OpId::fusion_op) {
      EXPECT_EQ(node.outputs.size(), 1u) << after.to_string();
    }
  }
}

TEST(FusePass, SplitsWhatTheBackendDeclines) {
  Draft d;
  Value x = d.input(f32({32}));
  for (int i = 0; i < 7; ++i) x = d.op(i % 2 == 0 ? OpId::neg_op : OpId::abs_op, {x});
  d.graph.set_outputs({x});
  const auto operands = random_operands(d.graph);
  const Tensors wanted = execute(d.graph, operands);
  fuse_elementwise(
      d.graph, [](const Graph&, const Graph::Node& node) { return node.regions[0]->nodes().size() <= 2; });
  EXPECT_EQ(count(d.graph, OpId::fusion_op), 3);
  EXPECT_EQ(count(d.graph), 4);
  expect_same(execute(d.graph, operands), wanted, 0);
}

TEST(FusePass, LeavesComplexNumbersAlone) {
  Draft d;
  const Value x = d.input({DType::complex64, {8}});
  const Value y = d.op(OpId::mul_op, {d.op(OpId::mul_op, {x, x}), x});
  d.graph.set_outputs({d.op(OpId::real_op, {y})});
  EXPECT_EQ(count(optimized(d.graph, only({"fuse"})), OpId::fusion_op), 0);
}

}  // namespace
}  // namespace keras::internal
