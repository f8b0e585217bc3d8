// SPDX-License-Identifier: Apache-2.0
#include <stdexcept>
#include <string>

#include "backends/native/graph_builder.h"

namespace keras::native_test {
namespace {

const keras_desc kVector = make_desc(KERAS_FLOAT32, {6});
const keras_desc kScalar = make_desc(KERAS_FLOAT32, {});
const keras_desc kBool = make_desc(KERAS_BOOL, {});

uint64_t bytes_in_use() {
  keras_memory memory{};
  memory.struct_size = sizeof(memory);
  table().memory(0, &memory);
  return memory.in_use;
}

TEST(NativeGraph, RunsNodesInOrderAndFreesWhatIsDead) {
  GraphBuilder g;
  const auto x = g.input(kVector);
  const auto y = g.input(kVector);
  const auto sum = g.add("add", {x, y}, kVector);
  const auto twice = g.add("mul", {sum, sum}, kVector);
  const auto unused = g.add("neg", {twice}, kVector);
  static_cast<void>(unused);
  const auto last = g.add("sub", {twice, x}, kVector);
  g.output(last);
  g.output(x);
  g.output(last);
  const Executable executable(g);
  const auto a = array<float>({6}, {1, 2, 3, 4, 5, 6});
  const auto b = array<float>({6}, {1, 1, 1, 1, 1, 1});
  executable.run({a, b});  // from now on there is an arena
  const uint64_t before = bytes_in_use();
  for (int repeat = 0; repeat < 3; ++repeat) {
    const auto results = executable.run({a, b});
    EXPECT_EQ(results[0].values<float>(), (std::vector<float>{3, 7, 13, 21, 31, 43}));
    EXPECT_EQ(results[1].values<float>(), a.values<float>());
    EXPECT_EQ(results[2].values<float>(), results[0].values<float>());
  }
  EXPECT_EQ(bytes_in_use(), before);
}

TEST(NativeGraph, AVariableIsUpdatedInItsOwnMemory) {
  GraphBuilder g;
  const auto v = g.input(kVector, KERAS_VARIABLE);
  const auto x = g.input(kVector);
  g.output(g.add("add", {v, x}, kVector), v);
  const Executable executable(g);
  const auto a = array<float>({6}, {1, 2, 3, 4, 5, 6});
  keras_buffer* variable = upload(a);
  keras_buffer* operand = upload(a);
  std::vector<keras_tensor> out;
  ASSERT_EQ(executable.execute({{variable, kVector}, {operand, kVector}}, out), KERAS_OK);
  EXPECT_EQ(out[0].buffer, variable);
  EXPECT_EQ(download(out[0].buffer, kVector).values<float>(), (std::vector<float>{2, 4, 6, 8, 10, 12}));
  table().free(variable);  // the host lets go of the old value
  // Somebody else reads the variable's memory: it stays as it is.
  variable = out[0].buffer;
  table().retain(variable);
  ASSERT_EQ(executable.execute({{variable, kVector}, {operand, kVector}}, out), KERAS_OK);
  EXPECT_NE(out[0].buffer, variable);
  EXPECT_EQ(download(variable, kVector).values<float>()[0], 2);
  table().free(out[0].buffer);
  table().free(variable);
  table().free(variable);
  table().free(operand);
}

TEST(NativeGraph, AFailingNodeLeavesVariablesAndLeaksNothing) {
  GraphBuilder g;
  const auto v = g.input(kVector, KERAS_VARIABLE);
  const auto picks = g.input(make_desc(KERAS_INT32, {1}));
  const auto next = g.add("neg", {v}, kVector);
  GatherAttributes gather{};
  const auto picked = g.add("gather", gather, {next, picks}, {make_desc(KERAS_FLOAT32, {1})});
  g.output(next, v);
  g.output(picked);
  const Executable executable(g);
  const auto a = array<float>({6}, {1, 2, 3, 4, 5, 6});
  keras_buffer* variable = upload(a);
  keras_buffer* index = upload(array<int32_t>({1}, {6}));
  const uint64_t before = bytes_in_use();
  std::vector<keras_tensor> out;
  EXPECT_EQ(executable.execute({{variable, kVector}, {index, make_desc(KERAS_INT32, {1})}}, out),
            KERAS_ERROR_VALUE);
  EXPECT_STREQ(table().last_error(), "index 6 is out of range for axis 0 with size 6");
  EXPECT_EQ(out[0].buffer, nullptr);
  EXPECT_EQ(download(variable, kVector).values<float>(), a.values<float>());
  EXPECT_EQ(bytes_in_use(), before);
  table().free(variable);
  table().free(index);
}

TEST(NativeGraph, AnOpThatIsNotNativeIsDeclined) {
  GraphBuilder g;
  const auto x = g.input(kVector);
  g.output(g.add("no_such_op", {x}, kVector));
  keras_executable* executable = nullptr;
  EXPECT_EQ(table().compile(0, g.graph(), &executable), KERAS_ERROR_UNSUPPORTED);
  EXPECT_NE(std::string(table().last_error()).find("no_such_op"), std::string::npos);
}

TEST(NativeGraph, CallAndCond) {
  GraphBuilder twice;
  const auto t = twice.input(kVector);
  twice.output(twice.add("add", {t, t}, kVector));
  GraphBuilder negative;
  const auto n = negative.input(kVector);
  negative.output(negative.add("neg", {n}, kVector));
  const keras_graph* yes = twice.graph();
  const keras_graph* no = negative.graph();
  GraphBuilder g;
  const auto choice = g.input(kBool);
  const auto x = g.input(kVector);
  const auto called = g.add("call", NoAttributes{}, {x}, {kVector}, {yes});
  g.output(g.add("cond", NoAttributes{}, {choice, called}, {kVector}, {yes, no}));
  const Executable executable(g);
  const auto a = array<float>({6}, {1, 2, 3, 4, 5, 6});
  EXPECT_EQ(executable.run({array<bool>({}, {true}), a})[0].values<float>(),
            (std::vector<float>{4, 8, 12, 16, 20, 24}));
  EXPECT_EQ(executable.run({array<bool>({}, {false}), a})[0].values<float>(),
            (std::vector<float>{-2, -4, -6, -8, -10, -12}));
}

TEST(NativeGraph, WhileCarriesStateAndKeepsItsOperands) {
  // while (i < n) { i += 1; x = x * x_0 } with x_0 captured.
  GraphBuilder test;
  const auto ti = test.input(kScalar);
  test.input(kVector);
  const auto tn = test.input(kScalar);
  test.input(kVector);
  CompareAttributes less{};
  less.direction = KERAS_LT;
  test.output(test.add("compare", less, {ti, tn}, {kBool}));
  GraphBuilder step;
  const auto si = step.input(kScalar);
  const auto sx = step.input(kVector);
  step.input(kScalar);
  const auto s0 = step.input(kVector);
  ConstantAttributes one{};
  one.dtype = KERAS_FLOAT32;
  one.real = 1;
  const auto c = step.add("constant", one, {}, {kScalar});
  step.output(step.add("add", {si, c}, kScalar));
  step.output(step.add("mul", {sx, s0}, kVector));
  for (const int64_t limit : {int64_t{-1}, int64_t{2}}) {
    GraphBuilder g;
    const auto i = g.input(kScalar);
    const auto x = g.input(kVector);
    const auto n = g.input(kScalar);
    WhileAttributes attributes{};
    attributes.carries = 2;
    attributes.maximum_iterations = limit;
    GraphBuilder test_copy = test;
    GraphBuilder step_copy = step;
    const auto first =
        g.add("while", attributes, {i, x, n, x}, {kScalar, kVector}, {test_copy.graph(), step_copy.graph()});
    g.output(first);
    g.output(first + 1);
    g.output(x);
    const Executable executable(g);
    const auto a = array<float>({6}, {1, 2, 3, 4, 5, 6});
    const auto results = executable.run({array<float>({}, {0}), a, array<float>({}, {3})});
    EXPECT_EQ(results[0].values<float>()[0], limit < 0 ? 3 : 2);
    const std::vector<float> cubes = {1, 8, 27, 64, 125, 216};
    const std::vector<float> fourth = {1, 16, 81, 256, 625, 1296};
    EXPECT_EQ(results[1].values<float>(), limit < 0 ? fourth : cubes);
    EXPECT_EQ(results[2].values<float>(), a.values<float>());
  }
}

TEST(NativeGraph, ScanCutsAndStacks) {
  for (const int64_t reverse : {0, 1}) {
    GraphBuilder body;
    const auto carry = body.input(kScalar);
    const auto slice = body.input(kScalar);
    const auto factor = body.input(kScalar);
    const auto scaled = body.add("mul", {slice, factor}, kScalar);
    const auto next = body.add("add", {carry, scaled}, kScalar);
    body.output(next);
    body.output(next);
    GraphBuilder g;
    const auto start = g.input(kScalar);
    const auto xs = g.input(make_desc(KERAS_FLOAT32, {4}));
    const auto by = g.input(kScalar);
    ScanAttributes attributes{};
    attributes.carries = 1;
    attributes.inputs = 1;
    attributes.length = -1;
    attributes.reverse = reverse;
    const auto first =
        g.add("scan", attributes, {start, xs, by}, {kScalar, make_desc(KERAS_FLOAT32, {4})}, {body.graph()});
    g.output(first);
    g.output(first + 1);
    const Executable executable(g);
    const std::vector<Array> operands = {array<float>({}, {1}), array<float>({4}, {1, 2, 3, 4}),
                                         array<float>({}, {10})};
    executable.run(operands);
    const uint64_t before = bytes_in_use();
    const auto results = executable.run(operands);
    EXPECT_EQ(results[0].values<float>()[0], 101);
    EXPECT_EQ(results[1].values<float>(),
              reverse != 0 ? (std::vector<float>{101, 91, 71, 41}) : (std::vector<float>{11, 31, 61, 101}));
    EXPECT_EQ(bytes_in_use(), before);
  }
}

// What a caller of the interface may get wrong: each a clear refusal, and never a crash.
TEST(CompiledGraph, RefusesGraphsThatAreNone) {
  const keras_desc type = make_desc(KERAS_FLOAT32, {4});
  const auto refused = [](GraphBuilder& g, const std::string& why) {
    try {
      Executable executable(g);
      ADD_FAILURE() << "compiled: " << why;
    } catch (const std::runtime_error& error) {
      EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
    }
  };
  GraphBuilder late;  // an input after a node: values 0 and 1 are the inputs, so 1 would be made twice
  const int32_t x = late.input(type);
  const int32_t y = late.add("exp", {x}, type);
  const int32_t z = late.input(type);
  late.output(late.add("add", {y, z}, type));
  refused(late, "exp makes value 1, which is there already");
  GraphBuilder ahead;
  const int32_t a = ahead.input(type);
  ahead.add("exp", {a}, type);
  ahead.add("neg", {a}, type);
  ahead.output(7);
  refused(ahead, "value 7 is an output, and nothing makes it");
  GraphBuilder replacing;
  const int32_t b = replacing.input(type);
  replacing.output(replacing.add("exp", {b}, type), 1);
  refused(replacing, "output 0 replaces value 1, which is no input");
}

}  // namespace
}  // namespace keras::native_test
