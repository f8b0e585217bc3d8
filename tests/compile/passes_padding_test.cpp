// SPDX-License-Identifier: Apache-2.0
// The pass that lets convolutions pad by themselves.
#include "compile/graph_runs.h"

namespace keras::internal {
namespace {

using namespace tests;

PadAttributes amounts(std::initializer_list<int64_t> low, std::initializer_list<int64_t> high,
                      std::initializer_list<int64_t> interior = {0, 0, 0, 0}) {
  auto at = make_attributes<PadAttributes>();
  at.low = to_list(low);
  at.high = to_list(high);
  at.interior = to_list(interior);
  return at;
}

ConvAttributes window(int64_t stride, std::initializer_list<int64_t> low, std::initializer_list<int64_t> high,
                      int64_t groups = 1) {
  auto at = make_attributes<ConvAttributes>();
  at.strides = to_list({stride, stride});
  at.pad_low = to_list(low);
  at.pad_high = to_list(high);
  at.dilations = to_list({1, 1});
  at.groups = groups;
  return at;
}

TEST(PaddingPass, GoesIntoStridedDepthwiseConvolutions) {
  for (const DType dtype : {DType::float32, DType::float64, DType::bfloat16, DType::float16}) {
    Draft d;
    const Value x = d.input({dtype, {2, 8, 6, 16}}), k = d.input({dtype, {3, 3, 1, 16}});
    const Value padded = d.op(OpId::pad_op, amounts({0, 0, 0, 0}, {0, 1, 1, 0}), {x, d.number(0, dtype)});
    d.graph.set_outputs({d.op(OpId::conv_op, window(2, {0, 0}, {0, 0}, 16), {padded, k})});
    const Graph after = optimized(d.graph, only({"padding", "dead"}), 1e-5);
    EXPECT_EQ(count(after, OpId::pad_op), 0) << after.to_string();
    EXPECT_EQ(count(after), 1) << after.to_string();
  }
}

TEST(PaddingPass, AddsToThePaddingThatIsThere) {
  Draft d;
  const Value x = d.input(f32({2, 8, 6, 4})), k = d.input(f32({3, 5, 4, 8})), b = d.input(f32({8}));
  const Value padded = d.op(OpId::pad_op, amounts({0, 1, 0, 0}, {0, 0, 3, 0}), {x, d.number(0)});
  auto at = make_attributes<ConvActivationAttributes>();
  at.strides = to_list({1, 2});
  at.pad_low = to_list({1, 2});
  at.pad_high = to_list({2, 1});
  at.dilations = to_list({1, 1});
  at.groups = 1;
  at.activation = KERAS_ACT_RELU6;
  d.graph.set_outputs({d.op(OpId::conv_bias_act_op, at, {padded, k, b})});
  const Graph after = optimized(d.graph, only({"padding", "dead"}), 1e-5);
  ASSERT_EQ(count(after), 1) << after.to_string();
  const auto& wider = *reinterpret_cast<const ConvActivationAttributes*>(after.nodes()[0].attributes.data());
  EXPECT_EQ(wider.pad_low.v[0], 2);
  EXPECT_EQ(wider.pad_high.v[1], 4);
}

// The forward pass and both gradients of a convolution of padded x.
TEST(PaddingPass, GoesIntoGradients) {
  Draft d;
  const Value x = d.input(f32({2, 8, 6, 4})), k = d.input(f32({3, 3, 4, 8})), dy = d.input(f32({2, 4, 3, 8}));
  const Value padded = d.op(OpId::pad_op, amounts({0, 0, 0, 0}, {0, 1, 1, 0}), {x, d.number(0)});
  auto at = window(2, {0, 0}, {0, 0});
  const Value y = d.op(OpId::conv_op, at, {padded, k});
  at.filter_shape = to_list({3, 3, 4, 8});
  const Value dk = d.op(OpId::conv_grad_filter_op, at, {padded, dy});
  at.filter_shape = {};
  at.input_shape = to_list({2, 9, 7, 4});
  const Value wide = d.op(OpId::conv_grad_input_op, at, {dy, k});
  const Value dx = d.op(OpId::pad_op, amounts({0, 0, 0, 0}, {0, -1, -1, 0}), {wide, d.number(0)});
  d.graph.set_outputs({y, dk, dx});
  const Graph after = optimized(d.graph, only({"padding", "dead"}), 1e-5);
  EXPECT_EQ(count(after, OpId::pad_op), 0) << after.to_string();
  EXPECT_EQ(count(after), 3) << after.to_string();
  PassOptions none = only({"padding", "dead"});
  none.disabled.push_back("padding");
  EXPECT_EQ(count(optimized(d.graph, none), OpId::pad_op), 2);
}

TEST(PaddingPass, LeavesWhatIsNotZerosAroundPositions) {
  struct Kept {
    const char* why;
    PadAttributes pad;
    double value;
  };
  const Kept all[] = {
      {"other numbers", amounts({0, 1, 1, 0}, {0, 1, 1, 0}), 1},
      {"minus zero", amounts({0, 1, 1, 0}, {0, 1, 1, 0}), -0.0},
      {"images", amounts({1, 0, 0, 0}, {0, 0, 0, 0}), 0},
      {"channels", amounts({0, 0, 0, 0}, {0, 0, 0, 2}), 0},
      {"between elements", amounts({0, 0, 0, 0}, {0, 0, 0, 0}, {0, 1, 0, 0}), 0},
      {"cropping", amounts({0, -1, 1, 0}, {0, 0, 0, 0}), 0},
      {"windows of padding alone", amounts({0, 3, 0, 0}, {0, 0, 0, 0}), 0},
  };
  for (const Kept& kept : all) {
    Draft d;
    const Value x = d.input(f32({2, 8, 6, 2}));
    const Value padded = d.op(OpId::pad_op, kept.pad, {x, d.number(kept.value)});
    const Dim channels = d.graph.type(padded).shape.back();
    const Value k = d.input(f32({3, 3, channels, 8}));
    d.graph.set_outputs({d.op(OpId::conv_op, window(1, {0, 0}, {0, 0}), {padded, k})});
    EXPECT_EQ(count(optimized(d.graph, only({"padding", "dead"})), OpId::pad_op), 1) << kept.why;
  }
}

TEST(PaddingPass, LeavesPaddingThatIsReadElsewhereToItsReaders) {
  Draft d;
  const Value x = d.input(f32({2, 8, 6, 2})), k = d.input(f32({3, 3, 2, 8}));
  const Value padded = d.op(OpId::pad_op, amounts({0, 1, 1, 0}, {0, 1, 1, 0}), {x, d.number(0)});
  d.graph.set_outputs({d.op(OpId::conv_op, window(1, {0, 0}, {0, 0}), {padded, k}), padded});
  const Graph after = optimized(d.graph, only({"padding", "dead"}), 1e-5);
  EXPECT_EQ(count(after, OpId::pad_op), 1);
  for (const auto& node : after.nodes()) {
    if (node.op == OpId::conv_op) {
      EXPECT_EQ(node.inputs[0], after.inputs()[0]) << after.to_string();
    }
  }
}

}  // namespace
}  // namespace keras::internal
