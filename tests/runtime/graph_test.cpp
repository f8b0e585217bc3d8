// SPDX-License-Identifier: Apache-2.0
// Ops through the backend contract, eagerly and as hand-built graphs given to the backend's compile.
#include <gtest/gtest.h>

#include <cmath>

#include "keras/base/error.h"
#include "keras/ops/numpy.h"
#include "keras/runtime/backend.h"
#include "keras/runtime/interpreter.h"
#include "keras/runtime/variable.h"
#include "ops/primitives.h"

namespace keras::internal {
namespace {

Tensor ramp(const Shape& shape, double scale = 0.1) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(scale * std::sin(1.0 + 1.7 * static_cast<double>(i)));
  return Tensor::from(values, shape);
}

TensorType type_of(const Tensor& t) { return {t.dtype(), t.shape()}; }

// The op eagerly, and as a graph of one node, must give the same.
template <class A>
std::vector<Tensor> both_ways(OpId op, const A& attributes, const std::vector<Tensor>& operands) {
  const Tensors eager = apply(op, &attributes, operands);
  auto graph = std::make_shared<Graph>();
  std::vector<Graph::Value> inputs;
  for (const Tensor& t : operands) inputs.push_back(graph->add_input(type_of(t)));
  const auto outputs = graph->add_node(op, &attributes, inputs);
  graph->set_outputs(outputs);
  const Executable executable(current_backend(), graph, std::vector<keras_use>(operands.size(), KERAS_KEEP),
                              std::vector<int>(outputs.size(), -1));
  std::vector<Tensor> given = operands;
  const Tensors compiled = executable.run(given);
  EXPECT_EQ(eager.size(), compiled.size());
  for (size_t i = 0; i < eager.size(); ++i) {
    EXPECT_EQ(type_of(eager[i]), type_of(compiled[i]));
    EXPECT_EQ(eager[i].to_vector<double>(), compiled[i].to_vector<double>())
        << op_def(op).name << " result " << i;
  }
  return {eager.begin(), eager.end()};
}

TEST(Contract, AddBroadcasts) {
  const auto none = make_attributes<NoAttributes>();
  const auto y = both_ways(OpId::add_op, none, {ramp({2, 3}), ramp({3})});
  EXPECT_FLOAT_EQ(y[0].at<float>({1, 2}), ramp({2, 3}).at<float>({1, 2}) + ramp({3}).at<float>({2}));
}

TEST(Contract, ConvolutionAndItsGradientsAreAdjoint) {
  auto conv = make_attributes<ConvAttributes>();
  conv.strides = to_list({2, 1});
  conv.pad_low = to_list({1, 0});
  conv.pad_high = to_list({0, 1});
  conv.dilations = to_list({1, 1});
  conv.groups = 1;
  const Tensor x = ramp({2, 7, 6, 3});
  const Tensor k = ramp({3, 2, 3, 4});
  const Tensor y = both_ways(OpId::conv_op, conv, {x, k})[0];
  const Tensor dy = ramp(y.shape());
  conv.input_shape = to_list(x.shape());
  const Tensor dx = both_ways(OpId::conv_grad_input_op, conv, {dy, k})[0];
  conv.input_shape = keras_list{};
  conv.filter_shape = to_list(k.shape());
  const Tensor dk = both_ways(OpId::conv_grad_filter_op, conv, {x, dy})[0];
  const auto dot = [](const Tensor& a, const Tensor& b) {
    return ops::sum(ops::multiply(a, b)).item<double>();
  };
  EXPECT_NEAR(dot(y, dy), dot(x, dx), 1e-5);
  EXPECT_NEAR(dot(y, dy), dot(k, dk), 1e-5);
}

TEST(Contract, MaxPoolingSendsGradientsToTheFirstLargest) {
  auto pool = make_attributes<PoolAttributes>();
  pool.kind = KERAS_POOL_MAX;
  pool.window = to_list({2, 2});
  pool.strides = to_list({2, 2});
  pool.pad_low = to_list({0, 0});
  pool.pad_high = to_list({0, 0});
  const Tensor x = Tensor::from(std::vector<float>{1, 5, 5, 2}, {1, 2, 2, 1});
  const Tensor y = both_ways(OpId::pool_op, pool, {x})[0];
  EXPECT_FLOAT_EQ(y.item<float>(), 5);
  const Tensor dx =
      both_ways(OpId::pool_grad_op, pool, {x, y, Tensor::from(std::vector<float>{3}, {1, 1, 1, 1})})[0];
  EXPECT_EQ(dx.to_vector<float>(), (std::vector<float>{0, 3, 0, 0}));
}

TEST(Contract, BatchNormalizationGivesBiasedStatistics) {
  auto norm = make_attributes<NormAttributes>();
  norm.axes = to_list({0});
  norm.epsilon = 1e-3;
  const Tensor x = Tensor::from(std::vector<float>{1, 2, 3, 6}, {2, 2});
  const Tensor ones = Tensor::from(std::vector<float>{1, 1});
  const Tensor zeros = Tensor::from(std::vector<float>{0, 0});
  const auto y = both_ways(OpId::batch_norm_train_op, norm, {x, ones, zeros});
  EXPECT_EQ(y[1].to_vector<float>(), (std::vector<float>{2, 4}));
  EXPECT_EQ(y[2].to_vector<float>(), (std::vector<float>{1, 4}));
}

TEST(Contract, RandomBitsAreTheReferenceWords) {
  auto bits = make_attributes<RandomBitsAttributes>();
  bits.dtype = static_cast<int64_t>(DType::uint32);
  bits.shape = to_list({7});
  const Tensor state = Tensor::from(std::vector<uint32_t>{1337, 2});
  const auto y = both_ways(OpId::random_bits_op, bits, {state});
  EXPECT_EQ(y[0].dtype(), DType::uint32);
  EXPECT_NE(y[0].at<int64_t>({0}), y[0].at<int64_t>({1}));
}

TEST(Contract, UpdateManyIsSgdWithMomentum) {
  auto rule = make_attributes<UpdateAttributes>();
  rule.rule = KERAS_UPDATE_SGD;
  rule.momentum = 0.9;
  rule.beta_1 = 0.9;
  rule.count = 1;
  rule.slots = 1;
  const Tensor rate = Tensor::from(std::vector<float>{0.5f}, {});
  const Tensor step = Tensor::from(std::vector<int64_t>{0}, {});
  const Tensor p = Tensor::from(std::vector<float>{1, 2});
  const Tensor g = Tensor::from(std::vector<float>{1, -1});
  const Tensor m = Tensor::from(std::vector<float>{0.2f, 0});
  const auto y = both_ways(OpId::update_many_op, rule, {rate, step, p, g, m});
  EXPECT_FLOAT_EQ(y[1].at<float>({0}), 0.9f * 0.2f - 0.5f);
  EXPECT_FLOAT_EQ(y[0].at<float>({0}), 1 + 0.9f * 0.2f - 0.5f);
  EXPECT_FLOAT_EQ(y[0].at<float>({1}), 2.5f);
}

// i = 0; while i < 5: i += 1, x *= 2 — as regions inside compile, and driven eagerly.
TEST(Contract, WhileRunsItsRegions) {
  const TensorType counter{DType::int32, {}};
  const TensorType value{DType::float32, {2}};
  auto test = std::make_shared<Graph>();
  test->add_input(counter);
  test->add_input(value);
  auto five = make_attributes<ConstantAttributes>();
  five.dtype = static_cast<int64_t>(DType::int32);
  five.integer = 5;
  auto less = make_attributes<CompareAttributes>();
  less.direction = KERAS_LT;
  const auto limit = test->add(OpId::constant_op, five, {});
  test->set_outputs({test->add(OpId::compare_op, less, {0, limit})});

  const auto none = make_attributes<NoAttributes>();
  auto step = std::make_shared<Graph>();
  step->add_input(counter);
  step->add_input(value);
  auto one = five;
  one.integer = 1;
  const auto next = step->add(OpId::add_op, none, {0, step->add(OpId::constant_op, one, {})});
  step->set_outputs({next, step->add(OpId::add_op, none, {1, 1})});

  auto loop = make_attributes<WhileAttributes>();
  loop.carries = 2;
  loop.maximum_iterations = -1;
  const std::vector<std::shared_ptr<const Graph>> regions{test, step};
  const std::vector<Tensor> start{Tensor::from(std::vector<int32_t>{0}, {}),
                                  Tensor::from(std::vector<float>{1, 3})};
  const Tensors eager = apply(OpCall{&op_def(OpId::while_op), &loop, start, false, {}, regions});
  EXPECT_EQ(eager[1].to_vector<float>(), (std::vector<float>{32, 96}));

  auto graph = std::make_shared<Graph>();
  graph->add_input(counter);
  graph->add_input(value);
  graph->set_outputs(graph->add_node(OpId::while_op, &loop, {0, 1}, regions));
  const Executable executable(current_backend(), graph, {KERAS_KEEP, KERAS_KEEP}, {-1, -1});
  EXPECT_TRUE(executable.compiled());
  std::vector<Tensor> given = start;
  const Tensors compiled = executable.run(given);
  EXPECT_EQ(compiled[0].item<int>(), 5);
  EXPECT_EQ(compiled[1].to_vector<float>(), (std::vector<float>{32, 96}));
}

TEST(Graph, PrintsItsNodes) {
  Graph graph;
  const auto x = graph.add_input({DType::float32, {Dim::symbol("batch"), 4}});
  graph.set_outputs({graph.add(OpId::exp_op, make_attributes<NoAttributes>(), {x})});
  EXPECT_NE(graph.to_string().find("%1 = exp(%0)"), std::string::npos);
  EXPECT_NE(graph.to_dot().find("digraph"), std::string::npos);
}

TEST(Executable, RefusesOtherShapes) {
  auto graph = std::make_shared<Graph>();
  const auto x = graph->add_input({DType::float32, {2}});
  graph->set_outputs({graph->add(OpId::exp_op, make_attributes<NoAttributes>(), {x})});
  const Executable executable(current_backend(), graph, {KERAS_KEEP}, {-1});
  std::vector<Tensor> wrong{Tensor::from(std::vector<float>{1, 2, 3})};
  EXPECT_THROW(executable.run(wrong), ValueError);
}

TEST(Variable, APublishedValueNeverChanges) {
  const Variable v(Tensor::from(std::vector<float>{1, 2}), "v");
  const Tensor before = v.value();
  v.assign_add(Tensor::from(std::vector<float>{10, 10}));
  EXPECT_EQ(before.to_vector<float>(), (std::vector<float>{1, 2}));
  EXPECT_EQ(v.value().to_vector<float>(), (std::vector<float>{11, 12}));
  EXPECT_THROW(v.assign(Tensor::from(std::vector<float>{1})), ValueError);
  EXPECT_THROW(Variable().value(), ValueError);
}

TEST(Backend, UnknownNamesAreNamed) {
  try {
    load_backend("no_such_backend");
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("native"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace keras::internal
