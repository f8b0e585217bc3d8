// SPDX-License-Identifier: Apache-2.0
// The passes that find fused ops in their parts: linear, conv, batch_norm, softmax, cross_entropy, norm,
// attention.
#include "compile/graph_runs.h"
#include "ops/fused_activation.h"
#include "runtime/trace.h"

namespace keras::internal {
namespace {

using namespace tests;

PassOptions inference(std::initializer_list<const char*> names) {
  PassOptions options = only(names);
  options.inference = true;
  return options;
}

// An activation on z, as it is traced.
Value activated(Draft& d, Value z, int64_t activation, double alpha) {
  Trace trace;
  const Tensor in = trace.argument(d.graph.type(z));
  {
    const InterpreterScope scope(trace, InterpreterScope::Replace{});
    trace.set_outputs({activate(in, activation, alpha)});
  }
  const auto none = make_attributes<NoAttributes>();
  return d.graph.add_node(OpId::call_op, &none, {z}, {trace.graph()})[0];
}

double alpha_of(int64_t activation) {
  return activation == KERAS_ACT_ELU ? 1.0 : activation == KERAS_ACT_LEAKY_RELU ? 0.2 : 0.0;
}

TEST(LinearPass, TakesBiasAndEveryActivation) {
  for (int64_t a = KERAS_ACT_LINEAR; a <= KERAS_ACT_HARD_SIGMOID; ++a) {
    Draft d;
    const Value x = d.input(f32({5, 3, 4})), w = d.input(f32({4, 6})), b = d.input(f32({6}));
    const Value z = d.op(OpId::add_op, {d.dot(x, w, {2}, {0}), d.reshape(b, {1, 1, 6})});
    d.graph.set_outputs({activated(d, z, a, alpha_of(a))});
    const Graph after = optimized(d.graph, only({"inline", "simplify", "common", "linear", "dead"}), 1e-5);
    ASSERT_EQ(count(after), 1) << a << "\n" << after.to_string();
    const auto& at = *reinterpret_cast<const ActivationAttributes*>(after.nodes()[0].attributes.data());
    EXPECT_EQ(after.nodes()[0].op, OpId::linear_op);
    EXPECT_EQ(at.activation, a);
    EXPECT_NEAR(at.alpha, alpha_of(a), 1e-7);
    EXPECT_EQ(after.nodes()[0].inputs.size(), 3u);
  }
}

TEST(LinearPass, TakesProductsOverManyAxes) {
  Draft d;
  const Value x = d.input(f32({5, 3, 4})), w = d.input(f32({4, 2, 6})), b = d.input(f32({2, 6}));
  const Value heads = d.op(OpId::relu_op, {d.op(OpId::add_op, {d.dot(x, w, {2}, {0}), b})});
  const Value back = d.input(f32({2, 6, 7})), c = d.input(f32({7}));
  d.graph.set_outputs({d.op(OpId::add_op, {c, d.dot(heads, back, {2, 3}, {0, 1})})});
  const Graph after = optimized(d.graph, only({"linear", "simplify", "dead"}), 1e-5);
  EXPECT_EQ(count(after, OpId::linear_op), 2) << after.to_string();
  EXPECT_EQ(count(after), 2 + 3) << after.to_string();  // w and b of the first, w of the second
}

TEST(LinearPass, LeavesWhatIsReadElsewhere) {
  Draft d;
  const Value x = d.input(f32({5, 4})), w = d.input(f32({4, 6})), b = d.input(f32({6}));
  const Value p = d.dot(x, w, {1}, {0});
  const Value z = d.op(OpId::add_op, {p, b});
  d.graph.set_outputs({d.op(OpId::tanh_op, {z}), z, d.op(OpId::neg_op, {p})});
  EXPECT_EQ(count(optimized(d.graph, only({"linear"})), OpId::linear_op), 0);
}

TEST(LinearPass, LeavesOtherProducts) {
  Draft d;
  const Value x = d.input(f32({5, 4})), w = d.input(f32({6, 4})), b = d.input(f32({6})),
              column = d.input(f32({5, 1}));
  const Value v = d.input(f32({4, 5}));
  d.graph.set_outputs(
      {d.op(OpId::add_op, {d.dot(x, w, {1}, {1}), b}), d.op(OpId::add_op, {d.dot(x, v, {1}, {0}), column})});
  EXPECT_EQ(count(optimized(d.graph, only({"linear"})), OpId::linear_op), 0);
}

ConvAttributes convolution(int64_t groups = 1) {
  auto at = make_attributes<ConvAttributes>();
  at.strides = to_list({1, 1});
  at.pad_low = to_list({1, 1});
  at.pad_high = to_list({1, 1});
  at.dilations = to_list({1, 1});
  at.groups = groups;
  return at;
}

TEST(ConvPass, TakesBiasAndActivation) {
  for (const int64_t a : {KERAS_ACT_LINEAR, KERAS_ACT_RELU, KERAS_ACT_RELU6, KERAS_ACT_SILU}) {
    Draft d;
    const Value x = d.input(f32({2, 6, 6, 4})), k = d.input(f32({3, 3, 2, 8})), b = d.input(f32({8}));
    const Value y = d.op(OpId::conv_op, convolution(2), {x, k});
    const Value z = d.op(OpId::add_op, {d.broadcast(b, {2, 6, 6, 8}), y});
    d.graph.set_outputs({activated(d, z, a, 0)});
    const Graph after = optimized(d.graph, only({"inline", "simplify", "common", "conv", "dead"}), 1e-5);
    EXPECT_EQ(count(after), 1) << after.to_string();
    EXPECT_EQ(count(after, OpId::conv_bias_act_op), 1);
  }
}

NormAttributes over(std::initializer_list<int64_t> axes, double epsilon = 1e-3) {
  auto at = make_attributes<NormAttributes>();
  at.axes = to_list(axes);
  at.epsilon = epsilon;
  return at;
}

struct Parameters {
  Value gamma, beta, mean, variance;
};

Tensor positive(int64_t n) {
  std::vector<float> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(0.5f + 0.1f * static_cast<float>(i));
  return Tensor::from(values, Shape{n});
}

TEST(BatchNormPass, FoldsIntoConstantWeights) {
  Draft d;
  std::mt19937 generator(3);
  const Value x = d.input(f32({2, 6, 6, 4}));
  const Value k = d.graph.add_constant(random_tensor(f32({3, 3, 4, 8}), generator));
  const auto vector = [&] { return d.graph.add_constant(random_tensor(f32({8}), generator)); };
  const Value y = d.op(OpId::conv_op, convolution(), {x, k});
  const Value n = d.op(OpId::batch_norm_infer_op, over({0, 1, 2}),
                       {y, vector(), vector(), vector(), d.graph.add_constant(positive(8))});
  d.graph.set_outputs({d.op(OpId::relu_op, {n})});
  const Graph after = optimized(d.graph, inference({"batch_norm", "conv", "fold", "dead"}), 1e-4);
  EXPECT_EQ(count(after), 1) << after.to_string();
  EXPECT_EQ(count(after, OpId::conv_bias_act_op), 1);
  EXPECT_EQ(after.constants().size(), 2u);
  EXPECT_EQ(count(optimized(d.graph, only({"batch_norm"})), OpId::batch_norm_infer_op), 1)
      << "training keeps it";
}

TEST(BatchNormPass, FoldsIntoVariablesWhereItPays) {
  for (const bool pays : {true, false}) {
    Draft d;
    const int64_t rows = pays ? 640 : 8;
    const Value x = d.input(f32({rows, 16})), w = d.input(f32({16, 8})), b = d.input(f32({8}));
    const Value g = d.input(f32({8})), beta = d.input(f32({8})), mean = d.input(f32({8}));
    const Value variance = d.op(OpId::abs_op, {d.input(f32({8}))});
    const Value y = d.op(OpId::linear_op, make_attributes<ActivationAttributes>(), {x, w, b});
    const Value n = d.op(OpId::batch_norm_infer_op, over({0}), {y, g, beta, mean, variance});
    d.graph.set_outputs({d.op(OpId::relu_op, {n})});
    const Graph after = optimized(d.graph, inference({"batch_norm", "linear", "dead"}), 2e-4);
    EXPECT_EQ(count(after, OpId::batch_norm_infer_op), 0);
    const auto& last = after.nodes().back();
    EXPECT_EQ(last.op, pays ? OpId::linear_op : OpId::relu_op) << after.to_string();
  }
}

TEST(BatchNormPass, StaysWhereNothingWouldTakeIt) {
  Draft d;
  const Value x = d.input(f32({4, 8})), g = d.input(f32({8}));
  const Value v = d.graph.add_constant(positive(8));
  d.graph.set_outputs(
      {d.reduce(OpId::reduce_sum_op, d.op(OpId::batch_norm_infer_op, over({0}), {x, g, g, g, v}), {0})});
  EXPECT_EQ(count(optimized(d.graph, inference({"batch_norm"})), OpId::batch_norm_infer_op), 1);
}

// softmax and what goes with it

Value shifted(Draft& d, Value x, std::initializer_list<int64_t> axes) {
  return d.op(OpId::sub_op,
              {x, d.op(OpId::stop_gradient_op, {d.reduce(OpId::reduce_max_op, x, axes, true)})});
}

TEST(SoftmaxPass, IsFoundInItsParts) {
  Draft d;
  const Value x = d.input(f32({4, 7, 5}));
  const Value e = d.op(OpId::exp_op, {shifted(d, x, {1})});
  const Value softmax = d.op(OpId::div_op, {e, d.reduce(OpId::reduce_sum_op, e, {1}, true)});
  const Value s = shifted(d, x, {2});
  const Value log =
      d.op(OpId::sub_op,
           {s, d.op(OpId::log_op, {d.reduce(OpId::reduce_sum_op, d.op(OpId::exp_op, {s}), {2}, true)})});
  const Value m = d.reduce(OpId::reduce_max_op, x, {0, 1}, true);
  const Value inside = d.op(OpId::exp_op, {d.op(OpId::sub_op, {x, m})});
  const Value lse =
      d.op(OpId::add_op, {m, d.op(OpId::log_op, {d.reduce(OpId::reduce_sum_op, inside, {0, 1}, true)})});
  d.graph.set_outputs({softmax, log, lse});
  const Graph after = optimized(d.graph, only({"simplify", "softmax", "dead"}), 1e-5);
  EXPECT_EQ(count(after), 3) << after.to_string();
  EXPECT_EQ(count(after, OpId::softmax_op), 1);
  EXPECT_EQ(count(after, OpId::log_softmax_op), 1);
  EXPECT_EQ(count(after, OpId::logsumexp_op), 1);
}

TEST(SoftmaxPass, LeavesWhatOverflowsOrIsReadElsewhere) {
  Draft d;
  const Value x = d.input(f32({4, 5}));
  const Value e = d.op(OpId::exp_op, {x});
  const Value plain = d.op(OpId::div_op, {e, d.reduce(OpId::reduce_sum_op, e, {1}, true)});
  const Value f = d.op(OpId::exp_op, {shifted(d, x, {1})});
  const Value read = d.op(OpId::div_op, {f, d.reduce(OpId::reduce_sum_op, f, {1}, true)});
  const Value g = d.op(OpId::exp_op, {shifted(d, x, {1})});
  const Value mixed = d.op(OpId::div_op, {g, d.reduce(OpId::reduce_sum_op, g, {0}, true)});
  d.graph.set_outputs({plain, read, f, mixed});
  EXPECT_EQ(count(optimized(d.graph, only({"simplify", "softmax"})), OpId::softmax_op), 0);
}

TEST(CrossEntropyPass, IsFoundInItsParts) {
  Draft d;
  const Value z = d.input(f32({6, 3, 4})), labels = d.input({DType::int32, {6, 3}});
  auto rows = make_attributes<GatherAttributes>();
  rows.axis = 2;
  rows.batch_dims = 2;
  auto last = make_attributes<AxesAttributes>();
  last.axes = to_list({2});
  const Value log = d.op(OpId::log_softmax_op, last, {z});
  const Value a = d.op(OpId::neg_op, {d.op(OpId::gather_op, rows, {log, labels})});
  const Value lse = d.reduce(OpId::logsumexp_op, z, {2});
  const Value b = d.op(OpId::sub_op, {lse, d.op(OpId::gather_op, rows, {z, labels})});
  d.graph.set_outputs({a, b});
  const Graph after = optimized(d.graph, only({"cross_entropy", "dead"}), 1e-5);
  EXPECT_EQ(count(after, OpId::softmax_cross_entropy_op), 2);
  EXPECT_EQ(count(after), 2);
}

// normalisation

Value mean(Draft& d, Value x, std::initializer_list<int64_t> axes, double n) {
  return d.op(OpId::div_op, {d.reduce(OpId::reduce_sum_op, x, axes, true), d.number(n)});
}

TEST(NormPass, LayerNormIsFoundInItsParts) {
  for (const bool root_divides : {false, true}) {
    Draft d;
    const Value x = d.input(f32({4, 3, 8})), gamma = d.input(f32({8})), beta = d.input(f32({8}));
    const Value centered = d.op(OpId::sub_op, {x, mean(d, x, {2}, 8)});
    const Value variance = mean(d, d.op(OpId::mul_op, {centered, centered}), {2}, 8);
    const Value widened = d.op(OpId::add_op, {variance, d.number(1e-3)});
    const Value normal = root_divides ? d.op(OpId::div_op, {centered, d.op(OpId::sqrt_op, {widened})})
                                      : d.op(OpId::mul_op, {centered, d.op(OpId::rsqrt_op, {widened})});
    d.graph.set_outputs(
        {d.op(OpId::add_op, {beta, d.op(OpId::mul_op, {normal, d.reshape(gamma, {1, 1, 8})})})});
    const Graph after = optimized(d.graph, only({"simplify", "norm", "dead"}), 1e-5);
    ASSERT_EQ(count(after), 1) << after.to_string();
    EXPECT_EQ(after.nodes()[0].op, OpId::layer_norm_op);
    EXPECT_EQ(after.nodes()[0].inputs, (std::vector<Value>{x, gamma, beta}));
  }
}

TEST(NormPass, RmsNormIsFoundInItsParts) {
  Draft d;
  const Value x = d.input(f32({4, 3, 10})), gamma = d.input(f32({3, 10}));
  const Value variance = mean(d, d.op(OpId::pow_op, {x, d.number(2)}), {1, 2}, 30);
  const Value root = d.op(OpId::rsqrt_op, {d.op(OpId::add_op, {variance, d.number(1e-6)})});
  d.graph.set_outputs({d.op(OpId::mul_op, {gamma, d.op(OpId::mul_op, {x, root})})});
  const Graph after = optimized(d.graph, only({"simplify", "norm", "dead"}), 1e-5);
  EXPECT_EQ(count(after), 1) << after.to_string();
  EXPECT_EQ(count(after, OpId::rms_norm_op), 1);
}

TEST(NormPass, LeavesOtherAxesAndWrongCounts) {
  Draft d;
  const Value x = d.input(f32({4, 8}));
  const auto rms = [&](std::initializer_list<int64_t> axes, double n) {
    const Value variance = mean(d, d.op(OpId::mul_op, {x, x}), axes, n);
    return d.op(OpId::mul_op, {x, d.op(OpId::rsqrt_op, {d.op(OpId::add_op, {variance, d.number(1e-6)})})});
  };
  d.graph.set_outputs({rms({0}, 4), rms({1}, 7)});
  EXPECT_EQ(count(optimized(d.graph, only({"norm"})), OpId::rms_norm_op), 0);
}

// attention

Value softmax(Draft& d, Value x, int64_t axis) {
  auto at = make_attributes<AxesAttributes>();
  at.axes = to_list({axis});
  return d.op(OpId::softmax_op, at, {x});
}

TEST(AttentionPass, IsFoundWithHeadsBehindPositions) {
  Draft d;
  const Value q = d.input(f32({2, 5, 3, 4})), k = d.input(f32({2, 7, 3, 4})), v = d.input(f32({2, 7, 3, 6}));
  const Value bias = d.input(f32({2, 1, 1, 7}));
  const Value logits = d.op(OpId::mul_op, {d.dot(q, k, {3}, {3}, {0, 2}, {0, 2}), d.number(0.5)});
  const Value weights = softmax(d, d.op(OpId::add_op, {logits, bias}), 3);
  d.graph.set_outputs({d.transpose(d.dot(weights, v, {3}, {1}, {0, 1}, {0, 2}), {0, 2, 1, 3})});
  const Graph after = optimized(d.graph, only({"attention", "simplify", "dead"}), 1e-5);
  EXPECT_EQ(count(after), 1) << after.to_string();
  EXPECT_EQ(count(after, OpId::attention_op), 1);
}

TEST(AttentionPass, IsFoundInOtherLayouts) {
  Draft d;
  const Value q = d.input(f32({2, 3, 16, 4})), k = d.input(f32({2, 3, 16, 4})),
              v = d.input(f32({2, 3, 16, 4}));
  const Value logits = d.op(OpId::div_op, {d.dot(q, k, {3}, {3}, {0, 1}, {0, 1}), d.number(2)});
  const Value heads = d.dot(softmax(d, logits, 3), v, {3}, {2}, {0, 1}, {0, 1});
  const Value p = d.input(f32({2, 9, 4}));
  const Value single = d.dot(softmax(d, d.dot(p, p, {2}, {2}, {0}, {0}), 2), p, {2}, {1}, {0}, {0});
  d.graph.set_outputs({heads, single});
  const Graph after = optimized(d.graph, only({"attention", "simplify", "dead"}), 1e-5);
  EXPECT_EQ(count(after, OpId::attention_op), 2) << after.to_string();
  EXPECT_EQ(count(after, OpId::softmax_op), 0);
}

TEST(AttentionPass, LeavesWhereTransposesCostMoreOrWeightsAreRead) {
  Draft d;
  const Value q = d.input(f32({2, 3, 4, 64})), v = d.input(f32({2, 4, 3, 8}));
  const Value small =
      d.dot(softmax(d, d.dot(q, q, {3}, {3}, {0, 1}, {0, 1}), 3), q, {3}, {2}, {0, 1}, {0, 1});
  const Value weights = softmax(d, d.dot(v, v, {3}, {3}, {0, 2}, {0, 2}), 3);
  const Value read = d.dot(weights, v, {3}, {1}, {0, 1}, {0, 2});
  d.graph.set_outputs({small, read, weights});
  EXPECT_EQ(count(optimized(d.graph, only({"attention"})), OpId::attention_op), 0);
}

}  // namespace
}  // namespace keras::internal
