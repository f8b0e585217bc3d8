// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cmath>
#include <thread>

#include "backends/native/graph_builder.h"

// Where a compiled graph puts its values: one arena, results in the memory of operands, variables in place.
namespace keras::native_test {
namespace {

const keras_desc kScalar = make_desc(KERAS_FLOAT32, {});

keras_memory memory() {
  keras_memory now{};
  now.struct_size = sizeof(now);
  table().memory(0, &now);
  return now;
}

// A product with a square matrix: its result cannot stand in the operand's memory.
int32_t times(GraphBuilder& g, int32_t x, int32_t w, const keras_desc& desc) {
  DotAttributes dot{};
  dot.lhs_contract = list({1});
  dot.rhs_contract = list({0});
  return g.add("dot_general", dot, {x, w}, {desc});
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kApart = true;
#elif defined(__has_feature)
constexpr bool kApart = __has_feature(address_sanitizer);
#else
constexpr bool kApart = false;
#endif

TEST(NativePlan, AChainLivesInTwoPlaces) {
  if (kApart) GTEST_SKIP() << "for the sanitizer every value has a block of its own";
  const keras_desc square = make_desc(KERAS_FLOAT32, {256, 256});
  constexpr uint64_t kBytes = 256 * 256 * 4;
  GraphBuilder g;
  const auto x = g.input(square);
  const auto w = g.input(square);
  auto v = x;
  for (int i = 0; i < 12; ++i) v = g.add("relu", {times(g, v, w, square)}, square);
  g.output(g.add("neg", {times(g, v, w, square)}, square));
  const Executable executable(g);
  Array identity = empty(KERAS_FLOAT32, {256, 256});
  for (int i = 0; i < 256; ++i) identity.data<float>()[i * 257] = 1;
  const Array a = uniform<float>({256, 256}, 0, 1);
  const uint64_t before = memory().in_use;
  const Array result = executable.run({a, identity})[0];
  EXPECT_LE(memory().in_use - before, 2 * kBytes);
  for (int64_t i = 0; i < a.count(); ++i) ASSERT_EQ(result.data<float>()[i], -a.data<float>()[i]);
}

TEST(NativePlan, ReshapesShareMemoryAndKeepItAlive) {
  const keras_desc flat = make_desc(KERAS_FLOAT32, {6});
  const keras_desc table_desc = make_desc(KERAS_FLOAT32, {2, 3});
  GraphBuilder g;
  const auto x = g.input(flat);
  const auto twice = g.add("add", {x, x}, flat);
  ShapeAttributes shape{};
  shape.shape = list({2, 3});
  const auto as_table = g.add("reshape", shape, {twice}, {table_desc});
  const auto other = g.add("exp", {twice}, flat);  // must not stand in `twice`, which the reshape still reads
  const auto negative = g.add("neg", {as_table}, table_desc);
  g.output(as_table);
  g.output(negative);
  g.output(other);
  g.output(g.add("reshape", shape, {x}, {table_desc}));
  const Executable executable(g);
  const auto a = array<float>({6}, {0, 1, 2, 3, 4, 5});
  const auto results = executable.run({a});
  EXPECT_EQ(results[0].values<float>(), (std::vector<float>{0, 2, 4, 6, 8, 10}));
  EXPECT_EQ(results[1].values<float>(), (std::vector<float>{-0.0f, -2, -4, -6, -8, -10}));
  EXPECT_NEAR(results[2].values<float>()[1], std::exp(2.0f), 1e-5);
  EXPECT_EQ(results[3].values<float>(), a.values<float>());
}

// The update stands before a node that may fail: the variable is written after it all the same.
TEST(NativePlan, VariablesAreWrittenWhenNothingCanFailAnyMore) {
  const keras_desc vector = make_desc(KERAS_FLOAT32, {6});
  const keras_desc picks_desc = make_desc(KERAS_INT32, {1});
  GraphBuilder g;
  const auto v = g.input(vector, KERAS_VARIABLE);
  const auto picks = g.input(picks_desc);
  g.output(g.add("neg", {v}, vector), v);
  g.output(g.add("gather", GatherAttributes{}, {v, picks}, {make_desc(KERAS_FLOAT32, {1})}));
  const Executable executable(g);
  const auto a = array<float>({6}, {1, 2, 3, 4, 5, 6});
  keras_buffer* variable = upload(a);
  keras_buffer* wrong = upload(array<int32_t>({1}, {6}));
  keras_buffer* right = upload(array<int32_t>({1}, {2}));
  std::vector<keras_tensor> out;
  EXPECT_EQ(executable.execute({{variable, vector}, {wrong, picks_desc}}, out), KERAS_ERROR_VALUE);
  EXPECT_EQ(download(variable, vector).values<float>(), a.values<float>());
  ASSERT_EQ(executable.execute({{variable, vector}, {right, picks_desc}}, out), KERAS_OK);
  EXPECT_EQ(out[0].buffer, variable);  // in place
  EXPECT_EQ(download(out[1].buffer, make_desc(KERAS_FLOAT32, {1})).values<float>()[0], 3);
  EXPECT_EQ(download(variable, vector).values<float>()[2], -3);
  for (const keras_tensor& t : out) table().free(t.buffer);
  for (keras_buffer* buffer : {variable, wrong, right}) table().free(buffer);
}

TEST(NativePlan, AVariableThatNothingReplacesIsNeverWritten) {
  const keras_desc vector = make_desc(KERAS_FLOAT32, {6});
  GraphBuilder g;
  const auto v = g.input(vector, KERAS_VARIABLE);
  const auto d = g.input(vector, KERAS_DONATE);
  g.output(g.add("neg", {v}, vector));
  g.output(g.add("exp", {d}, vector));
  const Executable executable(g);
  const auto a = array<float>({6}, {1, 2, 3, 4, 5, 6});
  keras_buffer* variable = upload(a);
  keras_buffer* donated = upload(a);
  std::vector<keras_tensor> out;
  ASSERT_EQ(executable.execute({{variable, vector}, {donated, vector}}, out), KERAS_OK);
  EXPECT_NE(out[0].buffer, variable);
  EXPECT_EQ(out[1].buffer, donated);
  EXPECT_EQ(download(variable, vector).values<float>(), a.values<float>());
  for (const keras_tensor& t : out) table().free(t.buffer);
  table().free(variable);
  table().free(donated);
}

TEST(NativePlan, OutOfMemoryComesFirstAndSaysWhatIsLarge) {
  const keras_desc vector = make_desc(KERAS_FLOAT32, {6});
  const keras_desc huge = make_desc(KERAS_FLOAT64, {int64_t{1} << 40});
  GraphBuilder g;
  const auto v = g.input(vector, KERAS_VARIABLE);
  ConstantAttributes one{};
  one.dtype = KERAS_FLOAT64;
  const auto c = g.add("constant", one, {}, {huge});
  g.output(g.add("neg", {v}, vector), v);
  ReduceAttributes all{};
  all.axes = list({0});
  g.output(g.add("reduce_sum", all, {c}, {make_desc(KERAS_FLOAT64, {})}));
  const Executable executable(g);
  const auto a = array<float>({6}, {1, 2, 3, 4, 5, 6});
  keras_buffer* variable = upload(a);
  const uint64_t before = memory().in_use;
  std::vector<keras_tensor> out;
  EXPECT_EQ(executable.execute({{variable, vector}}, out), KERAS_ERROR_MEMORY);
  const std::string message = table().last_error();
  EXPECT_NE(message.find("arena of 8796093022208 bytes"), std::string::npos) << message;
  EXPECT_NE(message.find("8796093022208 bytes (constant)"), std::string::npos) << message;
  EXPECT_EQ(download(variable, vector).values<float>(), a.values<float>());
  EXPECT_EQ(memory().in_use, before);
  table().free(variable);
}

TEST(NativePlan, ResidualsHaveTheirPlaceInTheArena) {
  const keras_desc rows = make_desc(KERAS_FLOAT32, {64, 32});
  const keras_desc gamma = make_desc(KERAS_FLOAT32, {32});
  const keras_desc kept = make_desc(KERAS_FLOAT32, {64});
  NormAttributes norm{};
  norm.axes = list({1});
  norm.epsilon = 1e-3;
  GraphBuilder g;
  const auto x = g.input(rows);
  const auto scale = g.input(gamma);
  const auto shift = g.input(gamma);
  const auto y = g.add("layer_norm", norm, {x, scale, shift}, {rows, kept, kept}, {}, 2);
  const auto grads = g.add("layer_norm_grad", norm, {x, scale, y, y + 1, y + 2}, {rows, gamma, gamma});
  g.output(y);
  g.output(grads);
  g.output(grads + 1);
  const Executable executable(g);
  const Array a = uniform<float>({64, 32}, -1, 1);
  const Array ones = array<float>({32}, std::vector<float>(32, 1));
  const Array zeros = empty(KERAS_FLOAT32, {32});
  const auto first = executable.run({a, ones, zeros});
  const uint64_t before = memory().in_use;
  const auto second = executable.run({a, ones, zeros});
  EXPECT_EQ(memory().in_use, before);
  for (size_t k = 0; k < first.size(); ++k) EXPECT_EQ(first[k].bytes, second[k].bytes);
  // dgamma = sum of dy * normalized x, and here dy = normalized x: its mean square is near 1.
  for (const float value : first[2].values<float>()) EXPECT_NEAR(value, 64, 64);
  double total = 0;
  for (const float value : first[2].values<float>()) total += value;
  EXPECT_NEAR(total, 64 * 32, 0.02 * 64 * 32);
}

TEST(NativePlan, SeveralThreadsRunOneGraph) {
  const keras_desc square = make_desc(KERAS_FLOAT32, {40, 40});
  GraphBuilder g;
  const auto x = g.input(square);
  auto v = times(g, x, x, square);
  for (int i = 0; i < 5; ++i) v = g.add("tanh", {times(g, v, x, square)}, square);
  g.output(v);
  const Executable executable(g);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const Array a = uniform<float>({40, 40}, -1, 1, t);
      const Array expected = executable.run({a})[0];
      for (int i = 0; i < 50; ++i) {
        if (executable.run({a})[0].bytes != expected.bytes) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// (a, b, c, fixed) -> (b, a + 1, c with a written at its place, fixed): swapped, in place and invariant.
TEST(NativePlan, LoopsSwapKeepAndOverwriteTheirState) {
  const keras_desc line = make_desc(KERAS_FLOAT32, {4});
  const keras_desc one = make_desc(KERAS_FLOAT32, {1});
  const keras_desc place = make_desc(KERAS_INT32, {1});
  for (const int64_t steps : {0, 1, 2, 3, 4}) {
    GraphBuilder body;
    const auto a = body.input(one);
    const auto b = body.input(one);
    const auto c = body.input(line);
    const auto fixed = body.input(one);
    const auto at = body.input(place);
    const auto i = body.input(place);  // a row of the sequence
    const auto next = body.add("add", {a, fixed}, one);
    const auto where = body.add("add", {at, i}, place);
    const auto written = body.add("dynamic_update_slice", {c, a, where}, line);
    body.output(b);
    body.output(next);
    body.output(written);
    body.output(fixed);
    body.output(at);
    body.output(next);
    GraphBuilder g;
    std::vector<int32_t> in = {g.input(one), g.input(one), g.input(line), g.input(one), g.input(place)};
    in.push_back(g.input(make_desc(KERAS_INT32, {steps, 1})));
    ScanAttributes scan{};
    scan.carries = 5;
    scan.inputs = 1;
    scan.length = -1;
    const auto first = g.add(
        "scan", scan, in, {one, one, line, one, place, make_desc(KERAS_FLOAT32, {steps, 1})}, {body.graph()});
    for (int32_t k = 0; k < 6; ++k) g.output(first + k);
    const Executable executable(g);
    std::vector<int32_t> numbers;
    for (int32_t k = 0; k < steps; ++k) numbers.push_back(k);
    const auto results = executable.run({array<float>({1}, {10}), array<float>({1}, {20}),
                                         array<float>({4}, {-1, -1, -1, -1}), array<float>({1}, {1}),
                                         array<int32_t>({1}, {0}), array<int32_t>({steps, 1}, numbers)});
    float wanted_a = 10;
    float wanted_b = 20;
    std::vector<float> wanted_c = {-1, -1, -1, -1};
    std::vector<float> made;
    for (size_t k = 0; k < static_cast<size_t>(steps); ++k) {
      wanted_c[k] = wanted_a;
      made.push_back(wanted_a + 1);
      wanted_a = std::exchange(wanted_b, wanted_a + 1);
    }
    EXPECT_EQ(results[0].values<float>()[0], wanted_a) << steps;
    EXPECT_EQ(results[1].values<float>()[0], wanted_b) << steps;
    EXPECT_EQ(results[2].values<float>(), wanted_c) << steps;
    EXPECT_EQ(results[3].values<float>()[0], 1) << steps;
    EXPECT_EQ(results[4].values<int32_t>()[0], 0) << steps;
    EXPECT_EQ(results[5].values<float>(), made) << steps;
  }
}

}  // namespace
}  // namespace keras::native_test
