// SPDX-License-Identifier: Apache-2.0
// What follows from stable values is computed once: the parts of a program, and functions that have them.
#include "compile/hoist.h"

#include "compile/graph_runs.h"
#include "keras/compile/function.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "keras/runtime/variable.h"

namespace keras::internal {
namespace {

using namespace tests;

// Both parts, one after the other.
Tensors run_parts(const Parted& parted, const std::vector<Tensor>& operands) {
  std::vector<Tensor> stable;
  for (const int i : parted.inputs) stable.push_back(operands[static_cast<size_t>(i)]);
  std::vector<Tensor> all = operands;
  for (const Tensor& t : execute(*parted.once, stable)) all.push_back(t);
  return execute(*parted.rest, all);
}

TEST(Hoist, PartsWhatFollowsFromStableInputs) {
  Draft d;
  const Value x = d.input(f32({4, 3})), w = d.input(f32({3, 5})), scale = d.input(f32({5}));
  const Value squared = d.op(OpId::mul_op, {scale, scale});
  const Value scaled = d.op(OpId::mul_op, {w, d.op(OpId::add_op, {squared, d.number(1)})});
  d.graph.set_outputs({d.op(OpId::tanh_op, {d.dot(x, scaled, {1}, {0})})});
  const auto parted = hoist(d.graph, {false, true, true});
  ASSERT_TRUE(parted.has_value());
  EXPECT_EQ(parted->inputs, (std::vector<int>{1, 2}));
  EXPECT_EQ(parted->once->outputs().size(), 1u);
  EXPECT_EQ(count(*parted->once), 4);
  EXPECT_EQ(count(*parted->rest), 2) << parted->rest->to_string();
  const auto operands = random_operands(d.graph);
  expect_same(run_parts(*parted, operands), execute(d.graph, operands), 0);
}

TEST(Hoist, LeavesWhatIsNotWorthIt) {
  Draft d;
  const Value x = d.input(f32({4, 3})), w = d.input(f32({12}));
  const Value shared = d.reshape(w, {4, 3});                 // is w's memory
  const Value large = d.broadcast(w, {4000, 12});            // much larger
  const Value own = d.op(OpId::exp_op, {w});                 // a result of the program
  const Value drawn = d.op(OpId::add_op, {x, d.number(1)});  // does not follow from w
  d.graph.set_outputs({d.op(OpId::add_op, {shared, drawn}), large, own});
  EXPECT_FALSE(hoist(d.graph, {false, true}).has_value());
  EXPECT_FALSE(hoist(d.graph, {false, false}).has_value());
}

TEST(Hoist, AReshapeBehindWorkStaysBehindIt) {
  Draft d;
  const Value x = d.input(f32({4, 3})), w = d.input(f32({12}));
  d.graph.set_outputs({d.op(OpId::mul_op, {x, d.reshape(d.op(OpId::exp_op, {w}), {4, 3})})});
  const auto parted = hoist(d.graph, {false, true});
  ASSERT_TRUE(parted.has_value());
  EXPECT_EQ(count(*parted->once), 1);
  EXPECT_EQ(count(*parted->rest, OpId::reshape_op), 1);
  const auto operands = random_operands(d.graph);
  expect_same(run_parts(*parted, operands), execute(d.graph, operands), 0);
}

TEST(Hoist, FunctionsSeeEveryAssignment) {
  Variable scale(Tensor::from(std::vector<float>{1, 2}, Shape{2}));
  Variable offset(Tensor::from(std::vector<float>{0, 0}, Shape{2}));
  auto f = function(
      [&](const Tensor& x) { return x * (scale.value() * scale.value()) + ops::exp(offset.value()); });
  const Tensor x = Tensor::from(std::vector<float>{1, 1}, Shape{2});
  EXPECT_EQ(f(x).to_vector<float>(), (std::vector<float>{2, 5}));
  EXPECT_EQ(f(x).to_vector<float>(), (std::vector<float>{2, 5}));
  scale.assign(Tensor::from(std::vector<float>{3, 4}, Shape{2}));
  EXPECT_EQ(f(x).to_vector<float>(), (std::vector<float>{10, 17}));
  EXPECT_EQ(f(x).to_vector<float>(), (std::vector<float>{10, 17}));
}

}  // namespace
}  // namespace keras::internal
