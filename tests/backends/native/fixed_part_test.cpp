// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "backends/native/graph_builder.h"

// What follows from unchanging variables alone is computed when their content changes, and only then.
namespace keras::native_test {
namespace {

const keras_desc kLine = make_desc(KERAS_FLOAT32, {4});
const keras_desc kSquare = make_desc(KERAS_FLOAT32, {2, 2});

float* elements(keras_buffer* buffer) {
  keras_view view{};
  EXPECT_EQ(table().export_view(buffer, &kLine, &view), KERAS_OK);
  return static_cast<float*>(const_cast<void*>(view.data));
}

// x + exp(-w), and the reshaped w; all of it from w alone but the sum.
class FixedPart : public testing::Test {
 protected:
  FixedPart() {
    const auto x = graph_.input(kLine);
    const auto w = graph_.input(kLine, KERAS_VARIABLE);
    const auto bent = graph_.add("exp", {graph_.add("neg", {w}, kLine)}, kLine);
    ShapeAttributes shape{};
    shape.shape = list({2, 2});
    const auto square = graph_.add("reshape", shape, {w}, {kSquare});
    graph_.output(graph_.add("add", {x, bent}, kLine));
    graph_.output(bent);
    graph_.output(graph_.add("relu", {square}, kSquare));
    x_ = upload(array<float>({4}, {100, 100, 100, 100}));
  }
  ~FixedPart() override { table().free(x_); }

  std::vector<Array> run(const Executable& executable, keras_buffer* w) {
    std::vector<keras_tensor> out;
    EXPECT_EQ(executable.execute({{x_, kLine}, {w, kLine}}, out), KERAS_OK);
    std::vector<Array> results;
    for (const keras_tensor& t : out) {
      results.push_back(download(t.buffer, t.desc));
      table().free(t.buffer);
    }
    return results;
  }

  GraphBuilder graph_;
  keras_buffer* x_;
};

TEST_F(FixedPart, IsComputedOnceForOneContent) {
  const Executable executable(graph_);
  keras_buffer* w = upload(array<float>({4}, {0, 0, 0, 0}));
  EXPECT_EQ(run(executable, w)[0].values<float>(), (std::vector<float>{101, 101, 101, 101}));
  // Written behind the backend's back, which nobody may do: so one sees what is computed again.
  elements(w)[0] = -700;
  const auto stale = run(executable, w);
  EXPECT_EQ(stale[0].values<float>(), (std::vector<float>{101, 101, 101, 101}));
  EXPECT_EQ(stale[1].values<float>(), (std::vector<float>{1, 1, 1, 1}));
  table().free(w);
}

TEST_F(FixedPart, IsComputedAnewForOthers) {
  const Executable executable(graph_);
  GraphBuilder change;
  const auto v = change.input(kLine, KERAS_VARIABLE);
  change.output(change.add("relu", {v}, kLine), v);
  const Executable rectify(change);
  keras_buffer* w = upload(array<float>({4}, {-1, 0, -1, 2}));
  const auto first = run(executable, w);
  std::vector<keras_tensor> out;
  ASSERT_EQ(rectify.execute({{w, kLine}}, out), KERAS_OK);
  EXPECT_EQ(out[0].buffer, w);  // the other graph does not hold the variable's memory
  table().free(out[0].buffer);
  const auto second = run(executable, w);
  EXPECT_GT(first[0].values<float>()[0], 102);
  EXPECT_EQ(second[0].values<float>()[0], 101);
  EXPECT_EQ(second[1].values<float>()[1], 1);
  EXPECT_EQ(second[2].values<float>(), (std::vector<float>{0, 0, 0, 2}));
  table().free(w);
}

TEST(FixedPartLimits, LargeThingsMadeOfLittleAreNotKept) {
  const keras_desc large = make_desc(KERAS_FLOAT32, {1 << 20});
  GraphBuilder g;
  const auto x = g.input(large);
  ConstantAttributes one{};
  one.dtype = KERAS_FLOAT32;
  one.real = 1;
  const auto c = g.add("constant", one, {}, {large});
  ReduceAttributes all{};
  all.axes = list({0});
  g.output(g.add("reduce_sum", all, {g.add("mul", {x, c}, large)}, {make_desc(KERAS_FLOAT32, {})}));
  const Executable executable(g);
  keras_memory before{};
  before.struct_size = sizeof(before);
  table().memory(0, &before);
  const Array result = executable.run({uniform<float>({1 << 20}, 0.5, 0.5)})[0];
  EXPECT_EQ(result.values<float>()[0], 1 << 19);
  keras_memory after = before;
  table().memory(0, &after);
  EXPECT_LT(after.in_use - before.in_use, uint64_t{6} << 20);  // the arena: one block for both
}

}  // namespace
}  // namespace keras::native_test
