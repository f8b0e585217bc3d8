// SPDX-License-Identifier: Apache-2.0
// The passes that remove: fold, simplify, common, dead, inline, captures; and casts, which repeats.
#include "compile/graph_runs.h"

#include <cstdlib>

#include "keras/base/error.h"

namespace keras::internal {
namespace {

using namespace tests;

TEST(Passes, HaveNamesAndDocs) {
  EXPECT_GE(all_passes().size(), 10u);
  for (const PassInfo& pass : all_passes()) {
    EXPECT_GT(std::string(pass.name).size(), 2u);
    EXPECT_GT(std::string(pass.doc).size(), 20u);
  }
}

TEST(Passes, AnUnknownNameIsRefusedWithTheNearest) {
  Graph graph;
  PassOptions options;
  options.disabled = {"comon"};
  try {
    optimize(graph, options);
    FAIL() << "an unknown pass was accepted";
  } catch (const ValueError& error) {
    EXPECT_NE(std::string(error.what()).find("'common'"), std::string::npos) << error.what();
  }
}

TEST(Passes, TheEnvironmentDisables) {
  Draft d;
  const Value x = d.input(f32({3}));
  d.graph.set_outputs({d.op(OpId::neg_op, {d.op(OpId::neg_op, {x})})});
  ASSERT_EQ(setenv("KERAS_DISABLE_PASSES", "simplify,fuse", 1), 0);
  EXPECT_EQ(count(optimized(d.graph, {})), 2);
  unsetenv("KERAS_DISABLE_PASSES");
  EXPECT_EQ(count(optimized(d.graph, {})), 0);
}

TEST(FoldPass, ComputesWhatIsKnown) {
  Draft d;
  const Value x = d.input(f32({2, 3}));
  const Value table = d.graph.add_constant(Tensor::from(std::vector<float>{1, 2, 3, 4, 5, 6}, Shape{2, 3}));
  const Value two = d.number(2);
  const Value known = d.op(OpId::exp_op, {d.op(OpId::mul_op, {table, two})});
  const Value scalar = d.op(OpId::sqrt_op, {d.op(OpId::add_op, {two, d.number(7, DType::float32, {2, 3})})});
  d.graph.set_outputs({d.op(OpId::add_op, {x, d.op(OpId::add_op, {known, scalar})})});
  EXPECT_EQ(count(optimized(d.graph, only({"fold", "dead"}))), 1);
}

TEST(FoldPass, KeepsWhatWouldGrow) {
  Draft d;
  const Value row = d.graph.add_constant(Tensor::from(std::vector<float>{1, 2}, Shape{2}));
  d.graph.set_outputs({d.broadcast(row, {30000, 2})});
  const Graph after = optimized(d.graph, only({"fold"}));
  EXPECT_EQ(count(after, OpId::broadcast_to_op), 1);
}

TEST(FoldPass, LeavesErrorsToTheRun) {
  Draft d;
  const Value table = d.graph.add_constant(Tensor::from(std::vector<float>{1, 2}, Shape{2}));
  const Value far = d.graph.add_constant(Tensor::from(std::vector<int32_t>{7}, Shape{1}));
  d.graph.set_outputs({d.op(OpId::gather_op, make_attributes<GatherAttributes>(), {table, far})});
  optimize(d.graph, only({"fold"}));
  EXPECT_EQ(count(d.graph, OpId::gather_op), 1);
}

// A chain of `between` nodes between the two readers of a conversion from `narrow` to `wide`.
Graph far_readers(DType narrow, DType wide, int between) {
  Draft d;
  const Value x = d.input({narrow, {4, 8}});
  const Value converted = d.cast(x, wide);
  Value y = d.op(OpId::exp_op, {converted});
  for (int i = 0; i < between; ++i) y = d.op(OpId::tanh_op, {y});
  d.graph.set_outputs({d.op(OpId::mul_op, {y, converted}), d.op(OpId::add_op, {y, converted})});
  return std::move(d.graph);
}

TEST(CastsPass, WidensAgainForLateReaders) {
  Graph late = far_readers(DType::bfloat16, DType::float32, 20);
  EXPECT_EQ(count(late, OpId::cast_op), 1);
  EXPECT_EQ(count(optimized(late, only({"casts"})), OpId::cast_op), 2);  // one for both late readers
}

TEST(CastsPass, KeepsNearNarrowingAndScalarConversions) {
  EXPECT_EQ(count(optimized(far_readers(DType::bfloat16, DType::float32, 3), only({"casts"})), OpId::cast_op),
            1);
  EXPECT_EQ(count(optimized(far_readers(DType::float32, DType::float16, 20), only({"casts"})), OpId::cast_op),
            1);
  Draft d;
  const Value converted = d.cast(d.input({DType::bfloat16, {}}), DType::float32);
  Value y = d.op(OpId::exp_op, {converted});
  for (int i = 0; i < 20; ++i) y = d.op(OpId::tanh_op, {y});
  d.graph.set_outputs({d.op(OpId::mul_op, {y, converted})});
  EXPECT_EQ(count(optimized(d.graph, only({"casts"})), OpId::cast_op), 1);
}

TEST(SimplifyPass, RemovesArithmeticThatChangesNothing) {
  Draft d;
  const Value x = d.input(f32({4, 5}));
  const Value i = d.input({DType::int32, {4}});
  const Value one = d.number(1), zero = d.number(0), minus_zero = d.number(-0.0);
  Value y = d.op(OpId::mul_op, {x, one});
  y = d.op(OpId::sub_op, {y, zero});
  y = d.op(OpId::add_op, {minus_zero, y});
  y = d.op(OpId::div_op, {y, one});
  y = d.op(OpId::pow_op, {y, one});
  y = d.op(OpId::stop_gradient_op, {y});
  y = d.op(OpId::neg_op, {d.op(OpId::neg_op, {y})});
  y = d.op(OpId::maximum_op, {y, y});
  const Value k = d.op(OpId::add_op, {i, d.number(0, DType::int32)});
  d.graph.set_outputs({y, k});
  EXPECT_EQ(count(optimized(d.graph, only({"simplify", "dead"}))), 0);
}

TEST(SimplifyPass, ClipsRectifiedNumbersFromAboveAlone) {
  Draft d;
  const Value x = d.input(f32({4, 5}));
  const Value zero = d.number(0), six = d.number(6);
  const Value rectified = d.op(OpId::relu_op, {x});
  const Value a = d.op(OpId::minimum_op, {d.op(OpId::maximum_op, {rectified, zero}), six});
  const Value b = d.op(OpId::maximum_op, {zero, rectified});
  const Value c = d.op(OpId::maximum_op, {x, zero});
  const Value e = d.op(OpId::maximum_op, {rectified, d.number(1)});
  d.graph.set_outputs({a, b, c, e});
  const Graph after = optimized(d.graph, only({"simplify", "dead"}));
  EXPECT_EQ(count(after, OpId::maximum_op), 2);
  EXPECT_EQ(count(after, OpId::minimum_op), 1);
}

TEST(SimplifyPass, KeepsTheSignOfZero) {
  Draft d;
  const Value x = d.input(f32({4}));
  d.graph.set_outputs({d.op(OpId::add_op, {x, d.number(0)}), d.op(OpId::sub_op, {x, d.number(-0.0)})});
  EXPECT_EQ(count(optimized(d.graph, only({"simplify"})), OpId::add_op), 1);
}

TEST(SimplifyPass, JoinsMovements) {
  Draft d;
  const Value x = d.input(f32({2, 3, 4}));
  const Value a = d.transpose(d.transpose(x, {1, 0, 2}), {1, 0, 2});
  const Value b = d.transpose(d.transpose(x, {1, 2, 0}), {1, 2, 0});
  const Value c = d.reshape(d.reshape(d.reshape(x, {6, 4}), {24}), {4, 6});
  const Value e = d.reshape(d.reshape(x, {24}), {2, 3, 4});
  const Value f = d.broadcast(d.broadcast(d.reshape(x, {2, 3, 4, 1}), {2, 3, 4, 5}), {6, 2, 3, 4, 5});
  d.graph.set_outputs({a, b, c, e, f});
  const Graph after = optimized(d.graph, only({"simplify", "dead"}));
  EXPECT_EQ(count(after, OpId::transpose_op), 1);
  EXPECT_EQ(count(after, OpId::reshape_op), 2);
  EXPECT_EQ(count(after, OpId::broadcast_to_op), 1);
}

TEST(SimplifyPass, JoinsConversionsThatLoseNothing) {
  Draft d;
  const Value h = d.input({DType::bfloat16, {8}});
  const Value i = d.input({DType::int8, {8}});
  const Value x = d.input(f32({8}));
  const Value a = d.cast(d.cast(h, DType::float32), DType::bfloat16);
  const Value b = d.cast(d.cast(i, DType::int32), DType::float32);
  const Value c = d.cast(d.cast(x, DType::bfloat16), DType::float32);  // rounds: stays
  const Value e = d.cast(d.cast(x, DType::float64), DType::float16);
  d.graph.set_outputs({a, b, c, e});
  EXPECT_EQ(count(optimized(d.graph, only({"simplify", "dead"})), OpId::cast_op), 4);
}

TEST(SimplifyPass, DividesByPowersOfTwoByMultiplying) {
  Draft d;
  const Value x = d.input(f32({64}));
  d.graph.set_outputs({d.op(OpId::div_op, {x, d.number(8)}), d.op(OpId::div_op, {x, d.number(3)})});
  const Graph after = optimized(d.graph, only({"simplify", "dead"}));
  EXPECT_EQ(count(after, OpId::div_op), 1);
  EXPECT_EQ(count(after, OpId::mul_op), 1);
}

TEST(SimplifyPass, TakesTransposesIntoProducts) {
  Draft d;
  const Value x = d.input(f32({5, 3})), y = d.input(f32({7, 5}));
  const Value a = d.dot(d.transpose(x, {1, 0}), d.transpose(y, {1, 0}), {1}, {0});
  const Value b = d.transpose(d.dot(x, y, {0}, {1}), {1, 0});
  const Value p = d.input(f32({2, 3, 4, 5})), q = d.input(f32({2, 4, 5, 6}));
  const Value c = d.dot(d.transpose(p, {0, 2, 1, 3}), q, {3}, {2}, {0, 1}, {0, 1});
  const Value e = d.dot(d.transpose(p, {3, 2, 1, 0}), q, {0}, {2}, {}, {});  // free axes reversed: stays
  d.graph.set_outputs({a, b, c, e});
  EXPECT_EQ(count(optimized(d.graph, only({"simplify", "dead"}), 1e-5), OpId::transpose_op), 1);
}

TEST(SimplifyPass, ChoosesWhereTheConditionIsKnown) {
  Draft d;
  const Value x = d.input(f32({3})), y = d.input(f32({2, 3}));
  const Value yes = d.number(1, DType::bool_);
  const Value c = d.compare(KERAS_GT, x, d.number(0));
  d.graph.set_outputs({d.op(OpId::select_op, {yes, x, y}),
                       d.op(OpId::select_op, {d.op(OpId::bit_not_op, {c}), x, y}),
                       d.op(OpId::select_op, {c, y, y})});
  const Graph after = optimized(d.graph, only({"simplify", "dead"}));
  EXPECT_EQ(count(after, OpId::select_op), 1);
  EXPECT_EQ(count(after, OpId::bit_not_op), 0);
}

TEST(SimplifyPass, ASumOverOneElementIsNone) {
  Draft d;
  const Value x = d.input(f32({1, 4}));
  d.graph.set_outputs({d.reduce(OpId::reduce_sum_op, x, {0}), d.reduce(OpId::reduce_max_op, x, {}),
                       d.reduce(OpId::reduce_sum_op, x, {1})});
  EXPECT_EQ(count(optimized(d.graph, only({"simplify", "dead"})), OpId::reduce_sum_op), 1);
}

TEST(CommonPass, ComputesEqualExpressionsOnce) {
  Draft d;
  const Value x = d.input(f32({4})), y = d.input(f32({4}));
  const Value a = d.op(OpId::exp_op, {d.op(OpId::add_op, {x, y})});
  const Value b = d.op(OpId::exp_op, {d.op(OpId::add_op, {y, x})});
  const Value c = d.op(OpId::exp_op, {d.op(OpId::sub_op, {y, x})});
  d.graph.set_outputs({d.op(OpId::mul_op, {a, b}), c, d.op(OpId::mul_op, {d.number(2), d.number(2)})});
  const Graph after = optimized(d.graph, only({"common"}));
  EXPECT_EQ(count(after, OpId::exp_op), 2);
  EXPECT_EQ(count(after, OpId::add_op), 1);
  EXPECT_EQ(count(after, OpId::constant_op), 1);
}

TEST(CommonPass, MergesEqualDrawsAndEqualConstants) {
  Draft d;
  const Value state = d.input({DType::uint32, {2}});
  auto bits = make_attributes<RandomBitsAttributes>();
  bits.dtype = static_cast<int64_t>(DType::uint32);
  bits.shape = to_list({5});
  const Value a = d.op(OpId::random_bits_op, bits, {state}), b = d.op(OpId::random_bits_op, bits, {state});
  const Value p = d.graph.add_constant(Tensor::from(std::vector<float>{1, 2}, Shape{2}));
  const Value q = d.graph.add_constant(Tensor::from(std::vector<float>{1, 2}, Shape{2}));
  d.graph.set_outputs({d.op(OpId::bit_xor_op, {a, b}), d.op(OpId::neg_op, {p}), d.op(OpId::neg_op, {q})});
  const Graph after = optimized(d.graph, only({"common", "dead"}));
  EXPECT_EQ(count(after, OpId::random_bits_op), 1);
  EXPECT_EQ(count(after, OpId::neg_op), 1);
  EXPECT_EQ(after.constants().size(), 1u);
}

TEST(CommonPass, ABarrierKeepsApart) {
  Draft d;
  const Value x = d.input(f32({4}));
  const auto none = make_attributes<NoAttributes>();
  const Value later = d.graph.add_node(OpId::barrier_op, &none, {x})[0];
  const Value again = d.graph.add_node(OpId::barrier_op, &none, {x})[0];
  d.graph.set_outputs({d.op(OpId::exp_op, {x}), d.op(OpId::exp_op, {later}), d.op(OpId::exp_op, {again})});
  const Graph after = optimized(d.graph, only({"common", "dead", "simplify", "fold"}));
  EXPECT_EQ(count(after, OpId::exp_op), 3);
  EXPECT_EQ(count(after, OpId::barrier_op), 2);
}

TEST(DeadPass, DropsWhatNothingReads) {
  Draft d;
  const Value x = d.input(f32({4}));
  d.op(OpId::exp_op, {d.op(OpId::neg_op, {x})});
  d.graph.add_constant(Tensor::from(std::vector<float>{1, 2}, Shape{2}));
  d.graph.set_outputs({d.op(OpId::abs_op, {x})});
  const Graph after = optimized(d.graph, only({"dead"}));
  EXPECT_EQ(count(after), 1);
  EXPECT_TRUE(after.constants().empty());
}

// Regions

std::shared_ptr<const Graph> region(const Draft& d) { return std::make_shared<Graph>(d.graph); }

TEST(InlinePass, PutsBodiesInTheirPlace) {
  Draft inner;
  const Value a = inner.input(f32({4}));
  inner.graph.set_outputs({inner.op(OpId::exp_op, {a}), a});
  Draft middle;
  const Value b = middle.input(f32({4}));
  const auto none = make_attributes<NoAttributes>();
  middle.graph.set_outputs(
      middle.graph.add_node(OpId::call_op, &none, {middle.op(OpId::neg_op, {b})}, {region(inner)}));
  Draft d;
  const Value x = d.input(f32({4}));
  const auto results = d.graph.add_node(OpId::custom_vjp_op, &none, {x}, {region(middle)});
  d.graph.set_outputs({results[0], d.op(OpId::add_op, {results[1], x})});
  const Graph after = optimized(d.graph, only({"inline"}));
  EXPECT_EQ(count(after), 3);
}

TEST(CapturesPass, CutsACondToWhatItNeeds) {
  Draft yes, no;
  for (Draft* branch : {&yes, &no}) {
    const Value a = branch->input(f32({4})), b = branch->input(f32({4})), c = branch->input(f32({}));
    const bool first = branch == &yes;
    const Value kept = branch->op(first ? OpId::add_op : OpId::mul_op, {a, c});
    branch->graph.set_outputs({kept, branch->op(OpId::exp_op, {b})});
  }
  Draft d;
  const Value choice = d.input({DType::bool_, {}});
  const Value x = d.input(f32({4})), y = d.input(f32({4}));
  const auto none = make_attributes<NoAttributes>();
  const auto results =
      d.graph.add_node(OpId::cond_op, &none, {choice, x, y, d.number(3)}, {region(yes), region(no)});
  d.graph.set_outputs({results[0]});
  const Graph after = optimized(d.graph, only({"captures", "dead"}));
  ASSERT_EQ(count(after, OpId::cond_op), 1);
  EXPECT_EQ(count(after, OpId::exp_op), 0);
  EXPECT_EQ(after.nodes().back().inputs.size(), 2u);  // the choice and x
  EXPECT_EQ(after.nodes().back().outputs.size(), 1u);
}

TEST(CapturesPass, AKnownChoiceIsItsBranch) {
  Draft yes, no;
  const Value a = yes.input(f32({4})), b = no.input(f32({4}));
  yes.graph.set_outputs({yes.op(OpId::exp_op, {a})});
  no.graph.set_outputs({no.op(OpId::neg_op, {b})});
  Draft d;
  const Value x = d.input(f32({4}));
  const auto none = make_attributes<NoAttributes>();
  d.graph.set_outputs(
      d.graph.add_node(OpId::cond_op, &none, {d.number(0, DType::bool_), x}, {region(yes), region(no)}));
  const Graph after = optimized(d.graph, only({"captures", "dead"}));
  EXPECT_EQ(count(after, OpId::cond_op), 0);
  EXPECT_EQ(count(after, OpId::neg_op), 1);
}

TEST(CapturesPass, CutsAScanToWhatItNeeds) {
  // carries: a sum that is read, a product that is not, a factor that never changes
  Draft step;
  const Value sum = step.input(f32({4})), product = step.input(f32({4})), factor = step.input(f32({4}));
  const Value row = step.input(f32({4})), unread = step.input(f32({2}));
  const Value bias = step.input(f32({})), spare = step.input(f32({4})), bias_again = step.input(f32({4}));
  const Value next = step.op(OpId::add_op, {sum, step.op(OpId::mul_op, {row, factor})});
  const Value grown = step.op(OpId::mul_op, {product, row});
  const Value shown = step.op(OpId::add_op, {step.op(OpId::add_op, {next, bias}), bias_again});
  step.graph.set_outputs({next, grown, factor, shown, step.op(OpId::exp_op, {spare})});
  static_cast<void>(unread);
  Draft d;
  const Value x = d.input(f32({5, 4})), u = d.input(f32({5, 2})), s = d.input(f32({4})),
              p = d.input(f32({4}));
  const Value f = d.input(f32({4}));
  auto at = make_attributes<ScanAttributes>();
  at.carries = 3;
  at.inputs = 2;
  at.length = -1;
  const auto results =
      d.graph.add_node(OpId::scan_op, &at, {s, p, f, x, u, d.number(2), p, f}, {region(step)});
  d.graph.set_outputs({results[0], results[2], results[3]});
  const Graph after = optimized(d.graph, only({"captures", "dead"}));
  const auto& node = after.nodes().back();
  ASSERT_EQ(node.op, OpId::scan_op);
  const auto& cut = *reinterpret_cast<const ScanAttributes*>(node.attributes.data());
  EXPECT_EQ(cut.carries, 1);
  EXPECT_EQ(cut.inputs, 1);
  EXPECT_EQ(node.inputs.size(), 3u);  // the sum, the rows, and the factor, once
  EXPECT_EQ(node.outputs.size(), 2u);
  EXPECT_EQ(count(after, OpId::exp_op), 0);
}

TEST(CapturesPass, CutsAWhileToWhatItNeeds) {
  Draft test, step;
  for (Draft* part : {&test, &step}) {
    const Value i = part->input({DType::int32, {}}), x = part->input(f32({3})), y = part->input(f32({3}));
    const Value limit = part->input({DType::int32, {}});
    if (part == &test) {
      part->graph.set_outputs({part->compare(KERAS_LT, i, limit)});
    } else {
      part->graph.set_outputs({part->op(OpId::add_op, {i, part->number(1, DType::int32)}),
                               part->op(OpId::add_op, {x, x}), part->op(OpId::exp_op, {y})});
    }
  }
  Draft d;
  const Value x = d.input(f32({3}));
  auto at = make_attributes<WhileAttributes>();
  at.carries = 3;
  at.maximum_iterations = -1;
  const auto results =
      d.graph.add_node(OpId::while_op, &at, {d.number(0, DType::int32), x, x, d.number(4, DType::int32)},
                       {region(test), region(step)});
  d.graph.set_outputs({results[1]});
  const Graph after = optimized(d.graph, only({"captures", "dead"}));
  EXPECT_EQ(after.nodes().back().inputs.size(), 2u);
  EXPECT_EQ(count(after, OpId::exp_op), 0);
}

TEST(Passes, WorkInsideRegions) {
  Draft step;
  const Value carry = step.input(f32({4})), row = step.input(f32({4}));
  const Value a = step.op(OpId::tanh_op, {step.op(OpId::add_op, {carry, row})});
  const Value b = step.op(OpId::tanh_op, {step.op(OpId::add_op, {row, carry})});
  step.graph.set_outputs({step.op(OpId::mul_op, {step.op(OpId::mul_op, {a, b}), step.number(1)})});
  Draft d;
  const Value x = d.input(f32({6, 4})), s = d.input(f32({4}));
  auto at = make_attributes<ScanAttributes>();
  at.carries = 1;
  at.inputs = 1;
  at.length = -1;
  d.graph.set_outputs(d.graph.add_node(OpId::scan_op, &at, {s, x}, {region(step)}));
  const Graph after = optimized(d.graph, only({"common", "simplify", "dead"}));
  EXPECT_EQ(count(after, OpId::tanh_op), 1);
  EXPECT_EQ(count(after, OpId::mul_op), 1);
}

}  // namespace
}  // namespace keras::internal
