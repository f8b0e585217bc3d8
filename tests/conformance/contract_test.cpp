// SPDX-License-Identifier: Apache-2.0
// The ops that a backend must prove itself with, through the contract: eagerly (prepare, launch) and as
// graphs given to compile. Every backend that is built runs them; the others' results are compared with
// native's.
#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <optional>
#include <thread>

#include "chosen_backend.h"
#include "keras/base/error.h"
#include "keras/runtime/backend.h"
#include "keras/runtime/interpreter.h"
#include "keras/runtime/variable.h"

namespace keras::internal {
namespace {

Tensor ramp(const Shape& shape, double scale = 0.1, double from = 1.0) {
  std::vector<float> values(static_cast<size_t>(shape.elements()));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(scale * std::sin(from + 1.7 * static_cast<double>(i)));
  return Tensor::from(values, shape);
}

TensorType type_of(const Tensor& t) { return {t.dtype(), t.shape()}; }

std::vector<TensorType> types_of(std::span<const Tensor> tensors) {
  std::vector<TensorType> out;
  for (const Tensor& t : tensors) out.push_back(type_of(t));
  return out;
}

// The same elements, not yet on any backend.
std::vector<Tensor> on_host(std::span<const Tensor> tensors) {
  std::vector<Tensor> out;
  for (const Tensor& t : tensors) out.push_back(Tensor::copy(t.host_data(), t.shape(), t.dtype()));
  return out;
}

double dot(const Tensor& a, const Tensor& b) {
  const auto x = a.to_vector<double>();
  const auto y = b.to_vector<double>();
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

class Contract : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    if (!tests::is_installed(GetParam())) {
      GTEST_SKIP() << "libkeras_" << GetParam() << ".so is not built here";
    }
    chosen_.emplace(GetParam());
  }

  static bool native() { return std::string_view(GetParam()) == "native"; }

  template <class A>
  static Tensors run(OpId op, const A& attributes, std::span<const Tensor> operands, bool residuals = false) {
    expect_native(op, attributes, operands, residuals);
    return apply(OpCall{&op_def(op), &attributes, operands, residuals, {}, {}});
  }

  // The backend's own answer must be "native": a decomposition would prove nothing.
  template <class A>
  static void expect_native(OpId op, const A& attributes, std::span<const Tensor> operands, bool residuals) {
    std::vector<keras_desc> in;
    std::vector<keras_desc> out;
    for (const Tensor& t : operands) in.push_back(to_desc(t));
    const auto types = types_of(operands);
    for (const TensorType& t : infer(op_def(op), &attributes, types)) out.push_back(to_desc(t));
    keras_op call{};
    call.struct_size = sizeof(call);
    call.name = op_def(op).name.c_str();
    call.attributes = &attributes;
    call.attributes_size = sizeof(A);
    call.num_inputs = static_cast<int32_t>(in.size());
    call.num_outputs = static_cast<int32_t>(out.size());
    call.inputs = in.data();
    call.outputs = out.data();
    call.wants_residuals = residuals ? 1 : 0;
    keras_prepared answer{};
    answer.struct_size = sizeof(answer);
    const auto& table = current_backend().table();
    EXPECT_EQ(table.prepare(0, &call, &answer), KERAS_OK) << table.last_error();
    EXPECT_EQ(answer.verdict, KERAS_NATIVE) << call.name << ": " << answer.reason;
    if (answer.kernel != nullptr) table.release_kernel(answer.kernel);
  }

  // Equal to rounding, integers exactly.
  static void expect_close(const Tensor& got, const Tensor& wanted, const std::string& what) {
    EXPECT_EQ(type_of(got), type_of(wanted)) << what;
    const auto x = got.to_vector<double>();
    const auto y = wanted.to_vector<double>();
    ASSERT_EQ(x.size(), y.size()) << what;
    const bool exact = !is_float(wanted.dtype());
    for (size_t i = 0; i < x.size(); ++i) {
      const double tolerance = exact ? 0 : 1e-6 + 1e-5 * std::abs(y[i]);
      EXPECT_LE(std::abs(x[i] - y[i]), tolerance)
          << what << ", element " << i << ": " << x[i] << ", " << y[i];
    }
  }

  // Eagerly, as a graph of one node (which must be bit for bit the same), and on native.
  template <class A>
  static std::vector<Tensor> everywhere(OpId op, const A& attributes, const std::vector<Tensor>& operands) {
    const Tensors eager = run(op, attributes, operands);
    auto graph = std::make_shared<Graph>();
    std::vector<Graph::Value> inputs;
    for (const Tensor& t : operands) inputs.push_back(graph->add_input(type_of(t)));
    graph->set_outputs(graph->add_node(op, &attributes, inputs));
    const Tensors compiled = execute(graph, operands);
    EXPECT_EQ(eager.size(), compiled.size());
    for (size_t i = 0; i < eager.size(); ++i) {
      EXPECT_EQ(type_of(eager[i]), type_of(compiled[i]));
      EXPECT_EQ(eager[i].to_vector<double>(), compiled[i].to_vector<double>())
          << op_def(op).name << " result " << i;
    }
    if (!native()) {
      const auto copies = on_host(operands);
      const tests::ChosenBackend reference("native");
      const Tensors wanted = run(op, attributes, copies);
      for (size_t i = 0; i < eager.size(); ++i) {
        expect_close(eager[i], wanted[i], op_def(op).name + " result " + std::to_string(i));
      }
    }
    return {eager.begin(), eager.end()};
  }

  static Tensors execute(const std::shared_ptr<const Graph>& graph, const std::vector<Tensor>& operands) {
    const Executable executable(current_backend(), graph, std::vector<keras_use>(operands.size(), KERAS_KEEP),
                                std::vector<int>(graph->outputs().size(), -1));
    EXPECT_TRUE(executable.compiled());
    std::vector<Tensor> given = operands;
    return executable.run(given);
  }

 private:
  std::optional<tests::ChosenBackend> chosen_;
};

INSTANTIATE_TEST_SUITE_P(Backends, Contract, testing::Values("native", "torch"),
                         [](const auto& param) { return std::string(param.param); });

TEST_P(Contract, AddBroadcasts) {
  const auto none = make_attributes<NoAttributes>();
  const auto y = everywhere(OpId::add_op, none, {ramp({2, 3}), ramp({3})});
  EXPECT_FLOAT_EQ(y[0].at<float>({1, 2}), ramp({2, 3}).at<float>({1, 2}) + ramp({3}).at<float>({2}));
}

TEST_P(Contract, DotGeneralContractsAndBatches) {
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

TEST_P(Contract, ConvolutionAndItsGradientsAreAdjoint) {
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

TEST_P(Contract, MaxPoolingSendsGradientsToTheFirstLargest) {
  const auto pool = pooling(KERAS_POOL_MAX, 2, 2, 0, 0);
  const Tensor x = Tensor::from(std::vector<float>{1, 5, 5, 2}, {1, 2, 2, 1});
  const Tensor y = everywhere(OpId::pool_op, pool, {x})[0];
  EXPECT_FLOAT_EQ(y.item<float>(), 5);
  const Tensor dx =
      everywhere(OpId::pool_grad_op, pool, {x, y, Tensor::from(std::vector<float>{3}, {1, 1, 1, 1})})[0];
  EXPECT_EQ(dx.to_vector<float>(), (std::vector<float>{0, 3, 0, 0}));
}

TEST_P(Contract, PoolingPadsOnEitherSide) {
  for (const int64_t kind : {KERAS_POOL_MAX, KERAS_POOL_AVERAGE}) {
    const auto pool = pooling(kind, 3, 2, 0, 1);
    const Tensor x = ramp({2, 6, 6, 3});
    const Tensor y = everywhere(OpId::pool_op, pool, {x})[0];
    everywhere(OpId::pool_grad_op, pool, {x, y, ramp(y.shape(), 0.7)});
  }
}

TEST_P(Contract, BatchNormalizationGivesBiasedStatistics) {
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

TEST_P(Contract, BatchNormalizationHasItsGradient) {
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

TEST_P(Contract, RandomBitsAreTheReferenceWords) {
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

TEST_P(Contract, UpdateManyIsSgdWithMomentum) {
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

TEST_P(Contract, UpdateManyHasEveryRule) {
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

TEST_P(Contract, LstmKeepsResidualsForItsGradient) {
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

// i = 0; while i < 5: i += 1, x *= 2 — as regions inside compile, and driven eagerly.
TEST_P(Contract, WhileRunsItsRegions) {
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
TEST_P(Contract, VariablesAreReplacedAndPublishedBuffersStay) {
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
TEST_P(Contract, DonatedMemoryIsUsedOnlyWhenNobodyElseHoldsIt) {
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

TEST_P(Contract, ExecutablesRunOnSeveralThreads) {
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

TEST_P(Contract, MemoryOfDeadTensorsIsNotInUse) {
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

TEST_P(Contract, ImportedMemoryIsReadInPlaceAndLetGo) {
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

TEST_P(Contract, WrongDataIsAValueError) {
  auto at = make_attributes<EmbedAttributes>();
  const Tensor table = ramp({4, 2});
  const std::vector<Tensor> operands{table, Tensor::from(std::vector<int32_t>{1, 4})};
  EXPECT_THROW(apply(OpId::embed_op, &at, operands), ValueError);
  const std::vector<Tensor> fits{table, Tensor::from(std::vector<int32_t>{1, 3})};
  EXPECT_EQ(apply(OpId::embed_op, &at, fits)[0].at<float>({1, 0}), table.at<float>({3, 0}));
}

TEST(Backend, UnknownNamesAreNamed) {
  try {
    load_backend("no_such_backend");
    FAIL();
  } catch (const ValueError& e) {
    EXPECT_NE(std::string(e.what()).find("native"), std::string::npos) << e.what();
  }
}

// In code, before the first tensor: the way of a program that was built without knowing the backend.
TEST(Backend, IsChosenInCodeBeforeTheFirstTensor) {
  const tests::ChosenBackend before("native");
  EXPECT_THROW(config::set_backend("torch"), ValueError);
  if (!tests::is_installed("torch")) GTEST_SKIP() << "libkeras_torch.so is not built here";
  chosen_backend.store(nullptr);
  config::set_backend("torch");
  const Tensor sum = apply_op(OpId::add_op, {ramp({2}), ramp({2})});
  EXPECT_EQ(config::backend(), "torch");
  EXPECT_EQ(current_backend().name(), "torch");
  EXPECT_FLOAT_EQ(sum.at<float>({1}), 2 * ramp({2}).at<float>({1}));
  chosen_backend.store(nullptr);
  config::set_backend("native");
}

}  // namespace
}  // namespace keras::internal
