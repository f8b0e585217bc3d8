// SPDX-License-Identifier: Apache-2.0
// A step in its steady state: no memory is asked for, and no page is touched for the first time.
#include <gtest/gtest.h>

#include <cstdlib>

#include "steady/allocation_count.h"
#include "steady/mlp_step.h"

namespace keras::tests {
namespace {

const std::vector<int64_t> kWidths = {784, 512, 512, 10};

AllocationCount count_over(Program& program, int steps) {
  const AllocationCount before = allocation_count();
  for (int i = 0; i < steps; ++i) program.step();
  const AllocationCount after = allocation_count();
  return {after.news - before.news, after.mallocs - before.mallocs, after.onednn - before.onednn,
          after.faults - before.faults};
}

void expect_steady(Program& program) {
  ASSERT_TRUE(program.executable->compiled());
  for (int i = 0; i < 5; ++i) program.step();
  const AllocationCount count = count_over(program, 100);
  if (!counts_mallocs()) GTEST_SKIP() << "the sanitizer has its own malloc, which touches fresh pages";
  EXPECT_LE(count.faults, 2);
  EXPECT_EQ(count.news, 0);
  EXPECT_EQ(count.mallocs, 0);
  testing::Test::RecordProperty("onednn_allocations_per_step", static_cast<int>(count.onednn / 100));
}

TEST(Steady, TheCountersCount) {
  if (!counts_mallocs()) GTEST_SKIP() << "the sanitizer has its own malloc";
  const AllocationCount before = allocation_count();
  std::vector<std::vector<int>> blocks;
  for (int i = 0; i < 10; ++i) {
    blocks.emplace_back(1000, i);
    void* volatile block = std::malloc(1000);
    std::free(block);
  }
  const AllocationCount after = allocation_count();
  EXPECT_GE(after.news - before.news, 10);
  EXPECT_GE(after.mallocs - before.mallocs, 10);
}

TEST(Steady, TrainingStepsLearnAndAllocateNothing) {
  for (const int64_t batch : {1, 32, 128}) {
    Program program = mlp_training(batch, kWidths);
    program.step();
    const float first = program.results[0].item<float>();
    for (int i = 0; i < 30; ++i) program.step();
    EXPECT_LT(program.results[0].item<float>(), 0.5f * first) << batch;
    expect_steady(program);
  }
}

TEST(Steady, VariablesStayInTheirMemory) {
  Program program = mlp_training(32, kWidths);
  program.step();
  std::vector<const void*> before;
  for (const Tensor& t : program.operands) before.push_back(t.host_data());
  program.step();
  for (size_t i = 0; i < before.size(); ++i) EXPECT_EQ(program.operands[i].host_data(), before[i]) << i;
}

TEST(Steady, AVariableThatWasReadKeepsItsValue) {
  Program program = mlp_training(4, kWidths);
  program.step();
  const Tensor read = program.operands[3];
  const std::vector<float> values = read.to_vector<float>();
  program.step();
  EXPECT_EQ(read.to_vector<float>(), values);
  EXPECT_NE(program.operands[3].to_vector<float>(), values);
}

TEST(Steady, InferenceAllocatesNothing) {
  for (const bool constants : {false, true}) {
    for (const int64_t batch : {1, 32}) {
      Program program = mlp_inference(batch, kWidths, constants);
      program.step();
      const std::vector<float> first = program.results[0].to_vector<float>();
      expect_steady(program);
      EXPECT_EQ(program.results[0].to_vector<float>(), first);
    }
  }
}

}  // namespace
}  // namespace keras::tests
