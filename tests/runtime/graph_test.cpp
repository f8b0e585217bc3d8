// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "keras/runtime/interpreter.h"
#include "keras/runtime/variable.h"

namespace keras::internal {
namespace {

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

// Inputs may be added after nodes, and constants travel with the program.
TEST(Executable, RunsLateInputsAndConstants) {
  auto graph = std::make_shared<Graph>();
  const auto x = graph->add_input({DType::float32, {2}});
  const auto e = graph->add(OpId::neg_op, make_attributes<NoAttributes>(), {x});
  const auto y = graph->add_input({DType::float32, {2}});
  const auto c = graph->add_constant(Tensor::from(std::vector<float>{100, 200}));
  const auto sum = graph->add(OpId::add_op, make_attributes<NoAttributes>(), {e, y});
  graph->set_outputs({graph->add(OpId::add_op, make_attributes<NoAttributes>(), {sum, c}), c});
  EXPECT_NE(graph->to_string().find("%3 = a tensor"), std::string::npos) << graph->to_string();
  const Executable executable(current_backend(), graph, {KERAS_KEEP, KERAS_KEEP}, {-1, -1});
  std::vector<Tensor> operands{Tensor::from(std::vector<float>{1, 2}),
                               Tensor::from(std::vector<float>{10, 20})};
  const Tensors results = executable.run(operands);
  EXPECT_EQ(results[0].to_vector<float>(), (std::vector<float>{109, 218}));
  EXPECT_EQ(results[1].to_vector<float>(), (std::vector<float>{100, 200}));
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

}  // namespace
}  // namespace keras::internal
