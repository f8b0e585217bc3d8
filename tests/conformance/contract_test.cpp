// SPDX-License-Identifier: Apache-2.0
// What the contract says of memory, graphs, variables, threads and errors.
#include <atomic>
#include <thread>

#include "conformance/conformance.h"

namespace keras::internal {
namespace {

// i = 0; while i < 5: i += 1, x *= 2 — as regions inside compile, and driven eagerly.
TEST_F(Conformance, WhileRunsItsRegions) {
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
  const Tensors compiled = execute(graph, start);
  EXPECT_EQ(compiled[0].item<int>(), 5);
  EXPECT_EQ(compiled[1].to_vector<float>(), (std::vector<float>{32, 96}));
}

// A step that replaces a variable: the tensor read before keeps its values.
TEST_F(Conformance, VariablesAreReplacedAndPublishedBuffersStay) {
  auto graph = std::make_shared<Graph>();
  const TensorType type{DType::float32, {3}};
  const auto v = graph->add_input(type);
  const auto by = graph->add_input(type);
  graph->set_outputs({graph->add(OpId::add_op, make_attributes<NoAttributes>(), {v, by})});
  const Executable executable(current_backend(), graph, {KERAS_VARIABLE, KERAS_DONATE}, {0});
  const Tensor before = Tensor::from(std::vector<float>{1, 2, 3});
  std::vector<Tensor> operands{before, Tensor::from(std::vector<float>{1, 1, 1})};
  const Tensors after = executable.run(operands);
  EXPECT_EQ(before.to_vector<float>(), (std::vector<float>{1, 2, 3}));
  EXPECT_EQ(after[0].to_vector<float>(), (std::vector<float>{2, 3, 4}));
  EXPECT_FALSE(operands[1].defined());
}

// An operand that nobody else holds may give its memory to the result; one that somebody holds may not.
TEST_F(Conformance, DonatedMemoryIsUsedOnlyWhenNobodyElseHoldsIt) {
  const auto none = make_attributes<NoAttributes>();
  const int donations[] = {0, -1};
  const auto sum = [&](const std::vector<Tensor>& operands) {
    return apply(OpCall{&op_def(OpId::add_op), &none, operands, false, donations, {}})[0];
  };
  const Tensor one = Tensor::from(std::vector<float>{1, 1, 1});
  std::vector<Tensor> given{Tensor::from(std::vector<float>{1, 2, 3}), one};
  EXPECT_EQ(sum(given).to_vector<float>(), (std::vector<float>{2, 3, 4}));
  const Tensor held = Tensor::from(std::vector<float>{5, 6, 7});
  EXPECT_EQ(sum({held, one}).to_vector<float>(), (std::vector<float>{6, 7, 8}));
  EXPECT_EQ(held.to_vector<float>(), (std::vector<float>{5, 6, 7}));
}

TEST_F(Conformance, ExecutablesRunOnSeveralThreads) {
  auto graph = std::make_shared<Graph>();
  const TensorType type{DType::float32, {64, 64}};
  auto matmul = make_attributes<DotAttributes>();
  matmul.lhs_contract = to_list({1});
  matmul.rhs_contract = to_list({0});
  const auto x = graph->add_input(type);
  graph->set_outputs({graph->add(OpId::dot_general_op, matmul,
                                 {x, graph->add(OpId::exp_op, make_attributes<NoAttributes>(), {x})})});
  const Executable executable(current_backend(), graph, {KERAS_KEEP}, {-1});
  std::vector<Tensor> alone{ramp({64, 64})};
  const auto wanted = executable.run(alone)[0].to_vector<float>();
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        std::vector<Tensor> operands{ramp({64, 64})};
        if (executable.run(operands)[0].to_vector<float>() != wanted) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(Conformance, MemoryOfDeadTensorsIsNotInUse) {
  const auto in_use = [] {
    keras_memory memory{};
    memory.struct_size = sizeof(memory);
    current_backend().table().memory(0, &memory);
    EXPECT_GE(memory.peak, memory.in_use);
    return memory.in_use;
  };
  const uint64_t before = in_use();
  {
    const Tensor sum = apply_op(OpId::add_op, {ramp({1000}), ramp({1000})});
    EXPECT_GE(in_use(), before + 4000);
  }
  EXPECT_EQ(in_use(), before);
}

TEST_F(Conformance, ImportedMemoryIsReadInPlaceAndLetGo) {
  alignas(64) static const float values[] = {1, 2, 3, 4};
  const auto& table = current_backend().table();
  const keras_desc desc = to_desc(TensorType{DType::float32, {2, 2}});
  int deletions = 0;
  keras_buffer* buffer = nullptr;
  ASSERT_EQ(table.import(
                0, &desc, values, [](void* count) { ++*static_cast<int*>(count); }, &deletions, &buffer),
            KERAS_OK)
      << table.last_error();
  {
    const Tensor t = adopt({DType::float32, {2, 2}}, DeviceMemory(&current_backend(), buffer));
    EXPECT_EQ(t.host_data(), values);
    EXPECT_EQ(t.device(), "cpu:0");
    EXPECT_FLOAT_EQ(apply_op(OpId::add_op, {t, t}).at<float>({1, 0}), 6);
    EXPECT_EQ(deletions, 0);
  }
  EXPECT_EQ(deletions, 1);
  EXPECT_FLOAT_EQ(values[2], 3);
}

TEST_F(Conformance, WrongDataIsAValueError) {
  auto at = make_attributes<EmbedAttributes>();
  const Tensor table = ramp({4, 2});
  const std::vector<Tensor> operands{table, Tensor::from(std::vector<int32_t>{1, 4})};
  EXPECT_THROW(apply(OpId::embed_op, &at, operands), ValueError);
  const std::vector<Tensor> fits{table, Tensor::from(std::vector<int32_t>{1, 3})};
  EXPECT_EQ(apply(OpId::embed_op, &at, fits)[0].at<float>({1, 0}), table.at<float>({3, 0}));
}

}  // namespace
}  // namespace keras::internal
