// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cmath>
#include <thread>

#include "backends/native/graph_builder.h"

// Weights that a graph only reads are packed once; what they are is known by their content, not by their
// place.
namespace keras::native_test {
namespace {

struct Linear {
  keras_desc x, w, bias, y;
};

// y = activation(x w + b) with weights that are variables which nothing replaces (packed), or plain operands.
void build(GraphBuilder& g, const Linear& s, int64_t activation, bool packed) {
  const keras_use use = packed ? KERAS_VARIABLE : KERAS_KEEP;
  const auto x = g.input(s.x);
  const auto w = g.input(s.w, use);
  const auto b = g.input(s.bias, use);
  ActivationAttributes how{};
  how.activation = activation;
  how.alpha = 0.3;
  g.output(g.add("linear", how, {x, w, b}, {s.y}));
}

Linear linear_of(int64_t rows, int64_t depth, int64_t units) {
  return {make_desc(KERAS_FLOAT32, {rows, depth}), make_desc(KERAS_FLOAT32, {depth, units}),
          make_desc(KERAS_FLOAT32, {units}), make_desc(KERAS_FLOAT32, {rows, units})};
}

void expect_close(const Array& got, const Array& wanted, const std::string& what) {
  ASSERT_EQ(got.count(), wanted.count());
  for (int64_t i = 0; i < got.count(); ++i) {
    const float scale = 1 + std::abs(wanted.data<float>()[i]);
    ASSERT_NEAR(got.data<float>()[i], wanted.data<float>()[i], 2e-5f * scale) << what << ", " << i;
  }
}

TEST(NativePacking, LinearGivesWhatItGivesWithout) {
  for (const int64_t rows : {1, 3, 32, 700}) {
    for (int64_t activation = KERAS_ACT_LINEAR; activation <= KERAS_ACT_HARD_SIGMOID; ++activation) {
      const Linear s = linear_of(rows, 70, 45);
      GraphBuilder plain;
      GraphBuilder packed;
      build(plain, s, activation, false);
      build(packed, s, activation, true);
      const std::vector<Array> in = {uniform<float>({rows, 70}, -1, 1, 1), uniform<float>({70, 45}, -1, 1, 2),
                                     uniform<float>({45}, -1, 1, 3)};
      const Executable executable(packed);
      const Array first = executable.run(in)[0];
      expect_close(first, Executable(plain).run(in)[0], std::to_string(activation));
      EXPECT_EQ(executable.run(in)[0].bytes, first.bytes);
    }
  }
}

TEST(NativePacking, ProductsAndConvolutions) {
  DotAttributes by_columns{};
  by_columns.lhs_contract = list({1});
  by_columns.rhs_contract = list({0});
  DotAttributes by_rows{};
  by_rows.lhs_contract = list({1});
  by_rows.rhs_contract = list({1});
  ConvAttributes conv{};
  conv.strides = conv.dilations = list({1, 1});
  conv.pad_low = conv.pad_high = list({1, 1});
  conv.groups = 1;
  for (const int which : {0, 1, 2}) {
    const keras_desc x =
        which == 2 ? make_desc(KERAS_FLOAT32, {2, 9, 9, 16}) : make_desc(KERAS_FLOAT32, {5, 64});
    const keras_desc w = which == 2   ? make_desc(KERAS_FLOAT32, {3, 3, 16, 32})
                         : which == 1 ? make_desc(KERAS_FLOAT32, {48, 64})
                                      : make_desc(KERAS_FLOAT32, {64, 48});
    const keras_desc y =
        which == 2 ? make_desc(KERAS_FLOAT32, {2, 9, 9, 32}) : make_desc(KERAS_FLOAT32, {5, 48});
    std::vector<Array> results;
    for (const keras_use use : {KERAS_KEEP, KERAS_VARIABLE}) {
      GraphBuilder g;
      const auto a = g.input(x);
      const auto b = g.input(w, use);
      g.output(which == 2 ? g.add("conv", conv, {a, b}, {y})
                          : g.add("dot_general", which == 1 ? by_rows : by_columns, {a, b}, {y}));
      const std::vector<Array> in = {uniform<float>(shape_of(x), -1, 1, 1),
                                     uniform<float>(shape_of(w), -1, 1, 2)};
      results.push_back(Executable(g).run(in)[0]);
    }
    expect_close(results[1], results[0], std::to_string(which));
  }
}

TEST(NativePacking, NewContentAtTheSamePlaceIsSeen) {
  const Linear s = linear_of(2, 64, 64);
  GraphBuilder g;
  build(g, s, KERAS_ACT_LINEAR, true);
  const Executable executable(g);
  GraphBuilder change;  // writes over the weights
  const auto v = change.input(s.w, KERAS_VARIABLE);
  change.output(change.add("neg", {v}, s.w), v);
  const Executable negate(change);
  const Array x = uniform<float>({2, 64}, -1, 1, 1);
  const Array zeros = empty(KERAS_FLOAT32, {64});
  keras_buffer* operand = upload(x);
  keras_buffer* bias = upload(zeros);
  const auto run = [&](keras_buffer* weights) {
    std::vector<keras_tensor> out;
    EXPECT_EQ(executable.execute({{operand, s.x}, {weights, s.w}, {bias, s.bias}}, out), KERAS_OK);
    const Array y = download(out[0].buffer, s.y);
    table().free(out[0].buffer);
    return y;
  };
  const Array first_weights = uniform<float>({64, 64}, -1, 1, 2);
  keras_buffer* weights = upload(first_weights);
  const Array first = run(weights);
  std::vector<keras_tensor> out;
  ASSERT_EQ(negate.execute({{weights, s.w}}, out), KERAS_OK);
  ASSERT_EQ(out[0].buffer, weights);
  table().free(out[0].buffer);
  const Array second = run(weights);
  for (int64_t i = 0; i < first.count(); ++i) ASSERT_EQ(second.data<float>()[i], -first.data<float>()[i]);
  // Freed, and the next weights may come to lie where they were.
  table().free(weights);
  Array doubled = first_weights;
  for (int64_t i = 0; i < doubled.count(); ++i) doubled.data<float>()[i] *= 2;
  weights = upload(doubled);
  const Array third = run(weights);
  for (int64_t i = 0; i < first.count(); ++i) ASSERT_EQ(third.data<float>()[i], 2 * first.data<float>()[i]);
  for (keras_buffer* buffer : {weights, operand, bias}) table().free(buffer);
}

TEST(NativePacking, ThreadsMayUseDifferentWeights) {
  const Linear s = linear_of(2, 64, 64);
  GraphBuilder g;
  build(g, s, KERAS_ACT_RELU, true);
  const Executable executable(g);
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      const std::vector<Array> in = {uniform<float>({2, 64}, -1, 1, 7), uniform<float>({64, 64}, -1, 1, t),
                                     uniform<float>({64}, -1, 1, t)};
      const Array expected = executable.run(in)[0];
      for (int i = 0; i < 50; ++i) {
        if (executable.run(in)[0].bytes != expected.bytes) ++wrong;
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace keras::native_test
