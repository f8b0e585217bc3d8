// SPDX-License-Identifier: Apache-2.0
// Single ops through the contract, eagerly (prepare, launch) and as graphs given to compile.
#include "conformance/conformance.h"

namespace keras::internal {
namespace {

TEST_F(Conformance, AddBroadcasts) {
  const auto none = make_attributes<NoAttributes>();
  const auto y = everywhere(OpId::add_op, none, {ramp({2, 3}), ramp({3})});
  EXPECT_FLOAT_EQ(y[0].at<float>({1, 2}), ramp({2, 3}).at<float>({1, 2}) + ramp({3}).at<float>({2}));
}

TEST_F(Conformance, DotGeneralContractsAndBatches) {
  auto matmul = make_attributes<DotAttributes>();
  matmul.lhs_contract = to_list({1});
  matmul.rhs_contract = to_list({0});
  const Tensor a = ramp({3, 4});
  const Tensor b = ramp({4, 5}, 0.3);
  const auto y = everywhere(OpId::dot_general_op, matmul, {a, b});
  double sum = 0;
  for (int64_t k = 0; k < 4; ++k) sum += a.at<double>({2, k}) * b.at<double>({k, 1});
  EXPECT_NEAR(y[0].at<double>({2, 1}), sum, 1e-6);

  auto batched = make_attributes<DotAttributes>();
  batched.lhs_batch = to_list({1});
  batched.rhs_batch = to_list({0});
  batched.lhs_contract = to_list({0, 2});
  batched.rhs_contract = to_list({3, 1});
  const auto z = everywhere(OpId::dot_general_op, batched, {ramp({3, 2, 4, 5}), ramp({2, 4, 6, 3})});
  EXPECT_EQ(z[0].shape(), (Shape{2, 5, 6}));
}

TEST_F(Conformance, ConvolutionAndItsGradientsAreAdjoint) {
  for (const int64_t groups : {1, 3}) {
    auto conv = make_attributes<ConvAttributes>();
    conv.strides = to_list({2, 1});
    conv.pad_low = to_list({1, 0});
    conv.pad_high = to_list({0, 1});
    conv.dilations = to_list({1, 1});
    conv.groups = groups;
    const Tensor x = ramp({2, 7, 6, 3});
    const Tensor k = ramp({3, 2, 3 / groups, 6});
    const Tensor y = everywhere(OpId::conv_op, conv, {x, k})[0];
    const Tensor dy = ramp(y.shape());
    conv.input_shape = to_list(x.shape());
    const Tensor dx = everywhere(OpId::conv_grad_input_op, conv, {dy, k})[0];
    conv.input_shape = keras_list{};
    conv.filter_shape = to_list(k.shape());
    const Tensor dk = everywhere(OpId::conv_grad_filter_op, conv, {x, dy})[0];
    EXPECT_NEAR(dot(y, dy), dot(x, dx), 1e-5);
    EXPECT_NEAR(dot(y, dy), dot(k, dk), 1e-5);
  }
}

PoolAttributes pooling(int64_t kind, int64_t window, int64_t stride, int64_t low, int64_t high) {
  auto pool = make_attributes<PoolAttributes>();
  pool.kind = kind;
  pool.window = to_list({window, window});
  pool.strides = to_list({stride, stride});
  pool.pad_low = to_list({low, low});
  pool.pad_high = to_list({high, high});
  return pool;
}

TEST_F(Conformance, MaxPoolingSendsGradientsToTheFirstLargest) {
  const auto pool = pooling(KERAS_POOL_MAX, 2, 2, 0, 0);
  const Tensor x = Tensor::from(std::vector<float>{1, 5, 5, 2}, {1, 2, 2, 1});
  const Tensor y = everywhere(OpId::pool_op, pool, {x})[0];
  EXPECT_FLOAT_EQ(y.item<float>(), 5);
  const Tensor dx =
      everywhere(OpId::pool_grad_op, pool, {x, y, Tensor::from(std::vector<float>{3}, {1, 1, 1, 1})})[0];
  EXPECT_EQ(dx.to_vector<float>(), (std::vector<float>{0, 3, 0, 0}));
}

TEST_F(Conformance, PoolingPadsOnEitherSide) {
  for (const int64_t kind : {KERAS_POOL_MAX, KERAS_POOL_AVERAGE}) {
    const auto pool = pooling(kind, 3, 2, 0, 1);
    const Tensor x = ramp({2, 6, 6, 3});
    const Tensor y = everywhere(OpId::pool_op, pool, {x})[0];
    everywhere(OpId::pool_grad_op, pool, {x, y, ramp(y.shape(), 0.7)});
  }
}

TEST_F(Conformance, BatchNormalizationGivesBiasedStatistics) {
  auto norm = make_attributes<NormAttributes>();
  norm.axes = to_list({0});
  norm.epsilon = 1e-3;
  const Tensor x = Tensor::from(std::vector<float>{1, 2, 3, 6}, {2, 2});
  const Tensor ones = Tensor::from(std::vector<float>{1, 1});
  const Tensor zeros = Tensor::from(std::vector<float>{0, 0});
  const auto y = everywhere(OpId::batch_norm_train_op, norm, {x, ones, zeros});
  EXPECT_EQ(y[1].to_vector<float>(), (std::vector<float>{2, 4}));
  EXPECT_EQ(y[2].to_vector<float>(), (std::vector<float>{1, 4}));
}

TEST_F(Conformance, BatchNormalizationHasItsGradient) {
  auto norm = make_attributes<NormAttributes>();
  norm.axes = to_list({0, 1, 2});
  norm.epsilon = 1e-3;
  const Tensor x = ramp({2, 3, 4, 5}, 2);
  const Tensor gamma = ramp({5}, 0.6);
  const auto y = everywhere(OpId::batch_norm_train_op, norm, {x, gamma, ramp({5})});
  const auto dx =
      everywhere(OpId::batch_norm_train_grad_op, norm, {x, gamma, y[1], y[2], ramp(x.shape(), 1.3)});
  // The gradient of a normalized channel is orthogonal to the ones.
  EXPECT_NEAR(dot(dx[0], Tensor::from(std::vector<float>(120, 1), x.shape())), 0, 1e-5);
}

TEST_F(Conformance, RandomBitsAreTheReferenceWords) {
  for (const DType dtype : {DType::uint32, DType::uint64}) {
    auto bits = make_attributes<RandomBitsAttributes>();
    bits.dtype = static_cast<int64_t>(dtype);
    bits.shape = to_list({7});
    const Tensor state = Tensor::from(std::vector<uint32_t>{1337, 2});
    const auto y = everywhere(OpId::random_bits_op, bits, {state});
    EXPECT_EQ(y[0].dtype(), dtype);
    EXPECT_NE(y[0].at<int64_t>({0}), y[0].at<int64_t>({1}));
  }
}

TEST_F(Conformance, UpdateManyIsSgdWithMomentum) {
  auto rule = make_attributes<UpdateAttributes>();
  rule.rule = KERAS_UPDATE_SGD;
  rule.momentum = 0.9;
  rule.beta_1 = 0.9;
  rule.count = 1;
  rule.slots = 1;
  const Tensor rate = Tensor::from(std::vector<float>{0.5f}, {});
  const Tensor step = Tensor::from(std::vector<int64_t>{0}, {});
  const Tensor p = Tensor::from(std::vector<float>{1, 2});
  const Tensor g = Tensor::from(std::vector<float>{1, -1});
  const Tensor m = Tensor::from(std::vector<float>{0.2f, 0});
  const auto y = everywhere(OpId::update_many_op, rule, {rate, step, p, g, m});
  EXPECT_FLOAT_EQ(y[1].at<float>({0}), 0.9f * 0.2f - 0.5f);
  EXPECT_FLOAT_EQ(y[0].at<float>({0}), 1 + 0.9f * 0.2f - 0.5f);
  EXPECT_FLOAT_EQ(y[0].at<float>({1}), 2.5f);
}

TEST_F(Conformance, UpdateManyHasEveryRule) {
  const struct {
    int64_t rule, slots;
    bool first, second;
  } rules[] = {{KERAS_UPDATE_SGD, 0, false, false},     {KERAS_UPDATE_SGD, 1, true, false},
               {KERAS_UPDATE_RMSPROP, 1, false, false}, {KERAS_UPDATE_RMSPROP, 3, false, true},
               {KERAS_UPDATE_ADAM, 2, false, false},    {KERAS_UPDATE_ADAM, 3, true, false},
               {KERAS_UPDATE_ADAGRAD, 1, false, false}, {KERAS_UPDATE_ADADELTA, 2, false, false},
               {KERAS_UPDATE_ADAMAX, 2, false, false},  {KERAS_UPDATE_LION, 1, false, false},
               {KERAS_UPDATE_NADAM, 2, false, false}};
  for (const auto& r : rules) {
    SCOPED_TRACE(r.rule);
    auto rule = make_attributes<UpdateAttributes>();
    rule.rule = r.rule;
    rule.count = 2;
    rule.slots = r.slots;
    rule.beta_1 = 0.9;
    rule.beta_2 = 0.99;
    rule.epsilon = 1e-3;
    rule.weight_decay = 0.1;
    rule.nesterov = r.rule == KERAS_UPDATE_SGD && r.first ? 1 : 0;
    rule.amsgrad = r.rule == KERAS_UPDATE_ADAM && r.first ? 1 : 0;
    rule.centered = r.second ? 1 : 0;
    rule.momentum = r.second || (r.rule == KERAS_UPDATE_SGD && r.slots == 1) ? 0.8 : 0;
    std::vector<Tensor> operands{Tensor::from(std::vector<float>{0.05f}, {}),
                                 Tensor::from(std::vector<int64_t>{3}, {})};
    if (r.rule == KERAS_UPDATE_NADAM) operands.push_back(Tensor::from(std::vector<float>{0.4f}, {}));
    for (const double from : {1.0, 2.0}) {
      operands.push_back(ramp({2, 3}, 1, from));
      operands.push_back(ramp({5}, 1, from));
    }
    for (const Shape& shape : {Shape{2, 3}, Shape{5}}) {
      for (int64_t k = 0; k < r.slots; ++k) {
        // Second moments are positive, and a centered one above the mean's square.
        auto values = ramp(shape, 0.2, 3.0 + static_cast<double>(k)).to_vector<float>();
        for (float& v : values) v = std::abs(v) + (k == 0 ? 0.3f : 0.01f);
        operands.push_back(Tensor::from(values, shape));
      }
    }
    everywhere(OpId::update_many_op, rule, operands);
  }
}

// lstm with its residuals and lstm_grad, eagerly and as one graph.
Tensors lstm_and_gradient(const RecurrentAttributes& at, const std::vector<Tensor>& operands,
                          const std::vector<Tensor>& cotangents, std::vector<TensorType>* residuals) {
  const Tensors y = apply(OpCall{&op_def(OpId::lstm_op), &at, operands, true, {}, {}});
  std::vector<Tensor> rest = operands;
  rest.insert(rest.end(), cotangents.begin(), cotangents.end());
  for (size_t i = 3; i < y.size(); ++i) {
    rest.push_back(y[i]);
    if (residuals != nullptr) residuals->push_back(type_of(y[i]));
  }
  Tensors out{y[0], y[1], y[2]};
  for (const Tensor& g : apply(OpId::lstm_grad_op, &at, rest)) out.push_back(g);
  return out;
}

TEST_F(Conformance, LstmKeepsResidualsForItsGradient) {
  const std::vector<Tensor> plain{ramp({2, 4, 3}),    ramp({2, 5}, 0.5),  ramp({2, 5}, 0.9),
                                  ramp({3, 20}, 0.7), ramp({5, 20}, 0.6), ramp({20}, 0.3)};
  auto masked = plain;
  masked.push_back(
      Tensor::from(std::vector<bool>{false, true, true, false, true, false, true, false}, {2, 4}));
  const std::vector<Tensor> cotangents{ramp({2, 4, 5}, 1.1), ramp({2, 5}, 0.4), ramp({2, 5}, 0.8)};
  for (const bool reverse : {false, true}) {
    for (const auto& operands : {plain, masked}) {
      auto at = make_attributes<RecurrentAttributes>();
      at.activation = KERAS_ACT_TANH;
      at.recurrent_activation = KERAS_ACT_SIGMOID;
      at.reverse = reverse ? 1 : 0;
      run(OpId::lstm_op, at, operands, true);
      everywhere(OpId::lstm_op, at, operands);
      std::vector<TensorType> residuals;
      const Tensors eager = lstm_and_gradient(at, operands, cotangents, &residuals);
      ASSERT_EQ(eager.size(), 9u);

      auto graph = std::make_shared<Graph>();
      std::vector<Graph::Value> inputs;
      std::vector<Graph::Value> gradient_inputs;
      for (const Tensor& t : operands) inputs.push_back(graph->add_input(type_of(t)));
      gradient_inputs = inputs;
      for (const Tensor& t : cotangents) gradient_inputs.push_back(graph->add_input(type_of(t)));
      auto outputs = graph->add_node(OpId::lstm_op, &at, inputs, {}, residuals);
      gradient_inputs.insert(gradient_inputs.end(), outputs.begin() + 3, outputs.end());
      outputs.resize(3);
      for (const auto v : graph->add_node(OpId::lstm_grad_op, &at, gradient_inputs)) outputs.push_back(v);
      graph->set_outputs(outputs);
      auto given = operands;
      given.insert(given.end(), cotangents.begin(), cotangents.end());
      const Tensors compiled = execute(graph, given);
      ASSERT_EQ(compiled.size(), eager.size());
      for (size_t i = 0; i < eager.size(); ++i) {
        EXPECT_EQ(eager[i].to_vector<double>(), compiled[i].to_vector<double>()) << "result " << i;
      }
      if (native()) continue;
      const auto copies = on_host(operands);
      const auto copied_cotangents = on_host(cotangents);
      const tests::ChosenBackend reference("native");
      const Tensors wanted = lstm_and_gradient(at, copies, copied_cotangents, nullptr);
      for (size_t i = 0; i < eager.size(); ++i) {
        expect_close(eager[i], wanted[i], "lstm with gradient, result " + std::to_string(i));
      }
    }
  }
}

}  // namespace
}  // namespace keras::internal
