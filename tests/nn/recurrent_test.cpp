// SPDX-License-Identifier: Apache-2.0
// What the goldens of keras.layers cannot say about recurrent layers: that the fused ops and single steps
// agree, states between calls, a user's cells, configs, errors. Dropout is in recurrent_dropout_test.cpp.
#include "keras/nn/layers/recurrent_wrappers.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <set>

#include "golden/golden_file.h"
#include "keras/autodiff/gradient_tape.h"
#include "keras/base/error.h"
#include "keras/nn/layers/dense.h"
#include "keras/nn/register.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operation.h"
#include "keras/ops/operators.h"
#include "keras/random.h"
#include "nn/close.h"
#include "nn/recurrent_loop.h"

namespace keras {
namespace {

Tensor values(const Shape& shape, int seed, DType dtype = DType::float64) {
  return random::normal(shape, 0, 1, dtype, seed);
}

// Rows that are masked at the end, in the middle, at the start, and nowhere.
Tensor some_mask() {
  return Tensor::from(
      std::vector<bool>{true, true, false, true, false, true, false, true, true, true, true, true}, {3, 4});
}

// A value of a functional model.
Tensor symbolic(const Shape& shape) { return keras_tensor({DType::float32, shape}); }

template <class E>
std::string message_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const E& error) {
    return error.what();
  }
  return "no error of this kind";
}

// --- the fused ops and single steps ---

struct Way {
  const char* name;
  std::shared_ptr<Layer> (*make)(bool fused);
  bool mask;
};

struct Computed {
  std::vector<Tensor> outputs, gradients;
};

Computed compute(Layer& layer, const Tensor& x, const std::vector<Tensor>& states, const Tensor& mask) {
  GradientTape tape(true);
  tape.watch(x);
  for (const Tensor& s : states) tape.watch(s);
  CallArgs args;
  args.training = true;
  args.initial_state = states;
  if (mask.defined()) args.mask = mask;
  Computed out;
  out.outputs = layer(Nest(x), args).flatten();
  Tensor total;
  for (const Tensor& y : out.outputs) {
    const Tensor part = ops::sum(y * values(y.shape(), 77));
    total = total.defined() ? total + part : part;
  }
  out.gradients.push_back(tape.gradient(total, x));
  for (const Tensor& s : states) out.gradients.push_back(tape.gradient(total, s));
  for (const Variable& v : layer.trainable_weights()) out.gradients.push_back(tape.gradient(total, v));
  return out;
}

template <class RnnLayer, class Options>
std::shared_ptr<Layer> make(Options options, bool fused) {
  options.use_cudnn = fused;
  options.return_sequences = options.return_state = true;
  options.dtype = "float64";
  options.seed = 5;
  return std::make_shared<RnnLayer>(3, options);
}

using layers::GRU;
using layers::LSTM;

const Way kWays[] = {
    {"lstm", [](bool f) { return make<LSTM>(LSTMOptions{}, f); }, false},
    {"lstm_mask", [](bool f) { return make<LSTM>(LSTMOptions{}, f); }, true},
    {"lstm_backwards_mask", [](bool f) { return make<LSTM>(LSTMOptions{.go_backwards = true}, f); }, true},
    {"lstm_zero_output",
     [](bool f) { return make<LSTM>(LSTMOptions{.go_backwards = true, .zero_output_for_mask = true}, f); },
     true},
    {"lstm_no_bias", [](bool f) { return make<LSTM>(LSTMOptions{.use_bias = false}, f); }, false},
    {"lstm_relu",
     [](bool f) {
       return make<LSTM>(LSTMOptions{.activation = "relu", .recurrent_activation = "hard_sigmoid"}, f);
     },
     false},
    {"lstm_dropout", [](bool f) { return make<LSTM>(LSTMOptions{.dropout = 0.4}, f); }, true},
    {"gru", [](bool f) { return make<GRU>(GRUOptions{}, f); }, false},
    {"gru_mask", [](bool f) { return make<GRU>(GRUOptions{}, f); }, true},
    {"gru_backwards", [](bool f) { return make<GRU>(GRUOptions{.go_backwards = true}, f); }, false},
    {"gru_zero_output", [](bool f) { return make<GRU>(GRUOptions{.zero_output_for_mask = true}, f); }, true},
    {"gru_reset_before", [](bool f) { return make<GRU>(GRUOptions{.reset_after = false}, f); }, true},
    {"gru_no_bias", [](bool f) { return make<GRU>(GRUOptions{.use_bias = false}, f); }, false},
    {"gru_dropout", [](bool f) { return make<GRU>(GRUOptions{.dropout = 0.4}, f); }, false},
};

class FusedRecurrence : public ::testing::TestWithParam<Way> {};

TEST_P(FusedRecurrence, AgreesWithSingleSteps) {
  const Way& way = GetParam();
  const auto fused = way.make(true), steps = way.make(false);
  const Tensor x = values({3, 4, 2}, 1);
  fused->ensure_built({x.shape()});
  steps->ensure_built({x.shape()});
  std::vector<Tensor> weights;
  for (const Variable& v : fused->weights()) {
    weights.push_back(values(v.shape(), 10 + static_cast<int>(weights.size())));
  }
  fused->set_weights(weights);
  steps->set_weights(weights);
  std::vector<Tensor> states{values({3, 3}, 2)};
  if (fused->class_name() == "LSTM") states.push_back(values({3, 3}, 3));
  const Tensor mask = way.mask ? some_mask() : Tensor();
  const Computed a = compute(*fused, x, states, mask), b = compute(*steps, x, states, mask);
  ASSERT_EQ(a.outputs.size(), 1 + states.size());
  ASSERT_EQ(a.outputs.size(), b.outputs.size());
  for (size_t i = 0; i < a.outputs.size(); ++i) {
    EXPECT_TRUE(close(a.outputs[i], b.outputs[i], {1e-10, 1e-10})) << "output " << i;
  }
  ASSERT_EQ(a.gradients.size(), b.gradients.size());
  for (size_t i = 0; i < a.gradients.size(); ++i) {
    ASSERT_TRUE(a.gradients[i].defined() && b.gradients[i].defined()) << i;
    EXPECT_TRUE(close(a.gradients[i], b.gradients[i], {1e-9, 1e-9})) << "gradient " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Ways, FusedRecurrence, ::testing::ValuesIn(kWays),
                         [](const auto& way) { return std::string(way.param.name); });

// Where the number of steps is unknown a scan replaces the loop.
TEST(Recurrence, TheScanOfUnknownLengthsAgreesWithTheLoop) {
  const Tensor x = values({3, 4, 2}, 1), w = values({2, 2}, 2);
  const internal::RecurrentStep step = [&](const Tensor& input, const std::vector<Tensor>& states) {
    const Tensor y = ops::tanh(ops::matmul(input, w) + states[0] * 2);
    return std::pair{y, std::vector<Tensor>{y + 1}};
  };
  for (const bool masked : {false, true}) {
    for (const bool backwards : {false, true}) {
      for (const bool zero : {false, true}) {
        const internal::RecurrentLoop loop{backwards, zero, true};
        const Tensor mask = masked ? some_mask() : Tensor();
        const auto a = internal::run_recurrent(loop, step, x, {values({3, 2}, 3)}, mask);
        const auto b = internal::run_recurrent_scan(loop, step, x, {values({3, 2}, 3)}, mask);
        EXPECT_TRUE(close(b.outputs, a.outputs, {1e-12, 1e-12}));
        EXPECT_TRUE(close(b.last_output, a.last_output, {1e-12, 1e-12}));
        EXPECT_TRUE(close(b.states[0], a.states[0], {1e-12, 1e-12}));
      }
    }
  }
}

// Long sequences are cut in parts of parts.
TEST(Recurrence, StepsAreThoseOfTheSequence) {
  for (const int64_t count : {1, 8, 9, 65, 130}) {
    const Tensor x = values({2, count, 3}, 1);
    GradientTape tape;
    tape.watch(x);
    const auto steps = internal::steps_of(x);
    ASSERT_EQ(steps.size(), static_cast<size_t>(count));
    for (int64_t t = 0; t < count; ++t) {
      EXPECT_TRUE(close(steps[static_cast<size_t>(t)], x[{all, t}], {0, 0})) << t;
    }
    const Tensor together = ops::stack(steps, 1);
    EXPECT_TRUE(close(tape.gradient(ops::sum(together * together), x), x * 2, {1e-12, 0}));
  }
}

// --- shapes without data ---

TEST(Recurrence, ShapesAreKnownWithoutData) {
  const Shape open{Dim::unknown(), Dim::unknown(), 5};
  for (const bool fused : {false, true}) {
    const auto y = LSTM(
        3, {.return_sequences = true, .use_cudnn = fused})(symbolic({Dim::unknown(), Dim::unknown(), 5}));
    EXPECT_EQ(y.shape().to_string(), "(None, None, 3)");
  }
  EXPECT_EQ(layers::SimpleRNN(3)(symbolic({Dim::unknown(), Dim::unknown(), 5})).shape().to_string(),
            "(None, 3)");
  EXPECT_EQ(layers::RNN({layers::LSTMCell(3), layers::GRUCell(4)}).compute_output_shape(open).to_string(),
            "(None, 4)");
  GRU gru(3, {.return_state = true});
  const Nest out = gru(Nest(symbolic({Dim::unknown(), 7, 5})),
                       {.initial_state = Nest(std::vector<Nest>{symbolic({Dim::unknown(), 3})})});
  ASSERT_EQ(out.size(), 2u);
  EXPECT_EQ(out[1].tensor().shape().to_string(), "(None, 3)");
  EXPECT_EQ(gru.weights().size(), 3u);
  EXPECT_THROW(layers::SimpleRNN(3, {.unroll = true})(symbolic({Dim::unknown(), Dim::unknown(), 5})),
               ValueError);
}

TEST(Recurrence, ComputesInThePolicysDtype) {
  LSTM lstm(3, {.return_state = true, .dtype = "mixed_bfloat16"});
  const auto out = lstm(Nest(values({2, 4, 5}, 1, DType::float32))).flatten();
  for (const Tensor& t : out) EXPECT_EQ(t.dtype(), DType::bfloat16);
  for (const Variable& v : lstm.weights()) EXPECT_EQ(v.dtype(), DType::float32);
  EXPECT_EQ(layers::SimpleRNN(3, {.dtype = "float64"})(values({2, 4, 5}, 1)).dtype(), DType::float64);
}

TEST(Recurrence, TakesIntegers) {
  const Tensor x = random::randint({2, 3, 4}, 0, 5, DType::int32, 1);
  CallArgs args;
  args.training = true;
  const auto check = [&](Layer& layer) {
    const Tensor y = layer(x, args);
    EXPECT_EQ(y.dtype(), DType::float32) << layer.class_name();
    EXPECT_TRUE(close(y, layer(ops::cast(x, "float32"), args))) << layer.class_name();
  };
  for (const bool fused : {false, true}) {
    LSTM lstm(2, {.use_cudnn = fused});
    GRU gru(2, {.use_cudnn = fused});
    check(lstm);
    check(gru);
  }
  layers::SimpleRNN simple(2);
  check(simple);
  EXPECT_EQ(GRU(2, {.dropout = 0.5})(x, args).dtype(), DType::float32);
  EXPECT_EQ(layers::SimpleRNN(2, {.dropout = 0.5})(x, args).dtype(), DType::float32);
}

// --- states between calls ---

TEST(StatefulRecurrence, GoesOnWhereTheLastBatchEnded) {
  const Tensor x = values({3, 6, 2}, 1, DType::float32);
  const Tensor front = x[{all, Slice(0, 4)}], back = x[{all, Slice(4, {})}];
  LSTM whole(4, {.return_state = true});
  LSTM parts(4, {.return_state = true, .stateful = true, .name = "parts"});
  const auto wanted = whole(Nest(x)).flatten();
  parts.ensure_built({front.shape()});
  parts.set_weights(whole.get_weights());
  ASSERT_EQ(parts.states().size(), 2u);
  EXPECT_EQ(parts.states()[0].path(), "parts/rnn_state");
  EXPECT_EQ(parts.weights().size(), 3u) << "states are no weights";
  EXPECT_EQ(parts.variables().size(), whole.variables().size());
  for (int round = 0; round < 2; ++round) {
    parts(Nest(front));
    const auto ours = parts(Nest(back)).flatten();
    for (size_t i = 0; i < wanted.size(); ++i) EXPECT_TRUE(close(ours[i], wanted[i])) << round << i;
    EXPECT_TRUE(close(parts.states()[1].value(), wanted[2]));
    parts.reset_state();
    EXPECT_TRUE(close(parts.states()[1].value(), ops::zeros({3, 4})));
  }
  EXPECT_THROW(parts(Nest(values({2, 4, 2}, 1, DType::float32))), ValueError);
  EXPECT_THROW(LSTM(4, {.stateful = true})(symbolic({Dim::unknown(), 4, 2})), ValueError);
  EXPECT_EQ(LSTM(4, {.stateful = true})(symbolic({3, 4, 2})).shape(), (Shape{3, 4}));
}

TEST(StatefulRecurrence, NestedStatesAreKept) {
  layers::RNN rnn({layers::LSTMCell(2), layers::GRUCell(3)}, {.stateful = true});
  const Tensor x = values({2, 3, 4}, 1, DType::float32);
  const Tensor first = rnn(x);
  EXPECT_FALSE(close(rnn(x), first));
  ASSERT_EQ(rnn.states().size(), 3u);
  rnn.reset_states();
  EXPECT_TRUE(close(rnn(x), first));
}

TEST(Recurrence, InitialStatesMayStandAmongTheInputs) {
  LSTM lstm(2);
  const Tensor x = values({3, 4, 5}, 1, DType::float32), h = values({3, 2}, 2), c = values({3, 2}, 3);
  CallArgs args;
  args.initial_state = {h, c};
  const Tensor wanted = lstm(x, args);
  EXPECT_FALSE(close(lstm(x), wanted));
  EXPECT_TRUE(close(lstm(Nest{x, h, c}).tensor(), wanted, {0, 0}));
  EXPECT_TRUE(close(lstm(Nest{x, Nest{h, c}}).tensor(), wanted, {0, 0}));
}

// --- a user's cells ---

class MinimalCell : public layers::AbstractRNNCell {
  int64_t units_;
  Variable kernel, recurrent_kernel;

 public:
  KERAS_LAYER(MinimalCell, kernel, recurrent_kernel)
  explicit MinimalCell(int64_t units) : units_(units) {}
  layers::StateSize state_size() const override { return units_; }
  void build(const Shape& shape) override {
    add_weight(kernel, "kernel", {shape.back(), units_});
    add_weight(recurrent_kernel, "recurrent_kernel", {units_, units_});
  }
  std::pair<Tensor, Nest> step(const Tensor& x, const Nest& states, const CallArgs&) override {
    const Tensor y =
        ops::matmul(x, kernel.value()) + ops::matmul(states[0].tensor(), recurrent_kernel.value());
    return {y, states.pack({y})};
  }
  Json get_config() const override {
    Json config = Layer::get_config();
    config.set("units", units_);
    return config;
  }
  static MinimalCell from_config(const Json& config) { return MinimalCell(config["units"].as_int()); }
};
KERAS_REGISTER(MinimalCell);

TEST(UsersCell, RunsInRNN) {
  const Tensor x = values({3, 4, 2}, 1, DType::float32);
  layers::RNN rnn(MinimalCell(5), {.return_sequences = true, .name = "mine"});
  layers::SimpleRNN same(5, {.activation = nullptr, .use_bias = false, .return_sequences = true});
  const Tensor wanted = same(x);
  rnn.ensure_built({x.shape()});
  rnn.set_weights(same.get_weights());
  GradientTape tape;
  const Tensor y = rnn(x);
  EXPECT_TRUE(close(y, wanted));
  for (const Tensor& g : tape.gradient(ops::sum(y), rnn.trainable_weights())) EXPECT_TRUE(g.defined());
  EXPECT_EQ(rnn.weights()[1].path(), "mine/" + rnn.cell().name() + "/recurrent_kernel");
  EXPECT_EQ(layers::RNN({MinimalCell(5), layers::GRUCell(3)})(x).shape(), (Shape{3, 3}));
}

TEST(UsersCell, IsMadeAgainFromItsConfig) {
  const layers::RNN rnn(MinimalCell(5), {.return_sequences = true});
  const Json written = layer_envelope(rnn);
  EXPECT_EQ(written["config"]["cell"]["registered_name"].as_string(), "Custom>MinimalCell");
  const LayerHandle again = layer_from_envelope(written, "test");
  const Tensor x = values({3, 4, 2}, 1, DType::float32);
  EXPECT_EQ((*again)(x).shape(), (Shape{3, 4, 5}));
  EXPECT_EQ(layers::Bidirectional(rnn)(x).shape(), (Shape{3, 4, 10}));
}

// --- configs ---

TEST(RecurrentConfigs, AreWrittenAsKerasDoes) {
  const GoldenFile golden("configs");
  std::map<std::string, int> seen;
  for (const Json& c : golden.cases()) {
    const auto envelope = ObjectEnvelope::is_envelope(c["serialized"])
                              ? ObjectEnvelope::from_json(c["serialized"], "test")
                              : ObjectEnvelope{};
    const auto layer = c["kind"].as_string() == "layer"
                           ? find_object(ObjectCategory::layer, envelope.lookup_name())
                           : nullptr;
    const std::set<std::string> ours{
        "LSTM",     "GRU",     "SimpleRNN",     "RNN",           "StackedRNNCells",
        "LSTMCell", "GRUCell", "SimpleRNNCell", "Bidirectional", "TimeDistributed"};
    if (!layer || !ours.contains(layer->class_name)) continue;
    SCOPED_TRACE(layer->class_name + " " + c["variant"].as_string());
    ++seen[layer->class_name];
    const LayerHandle made = layer_from_envelope(c["serialized"], "test");
    EXPECT_EQ(layer_envelope(*made), c["serialized"]) << layer_envelope(*made).dump() << "\n"
                                                      << c["serialized"].dump();
  }
  EXPECT_EQ(seen.size(), 10u);
}

TEST(RecurrentConfigs, KeepInnerLayers) {
  layers::RNN rnn({layers::LSTMCell(2, {.activation = "relu"}), layers::GRUCell(3)}, {.stateful = true});
  const LayerHandle again = layer_from_envelope(layer_envelope(rnn), "test");
  EXPECT_EQ(again->get_config(), rnn.get_config());
  EXPECT_FALSE(layer_envelope(rnn).contains("build_config"));
  rnn.ensure_built({{4, 5, 6}});
  EXPECT_EQ(layer_envelope(rnn)["build_config"], Json::dict({{"input_shape", Json::list({4, 5, 6})}}));
  const Json cell = rnn.get_config()["cell"]["config"]["cells"][1];
  EXPECT_EQ(cell["build_config"], Json::dict({{"input_shape", Json::list({4, 2})}}));
  // What old files may have beside.
  Json config = LSTM(3).get_config();
  config.set("implementation", 2);
  EXPECT_NO_THROW(make_object<Layer>(ObjectCategory::layer, "LSTM", config, "test"));
  config.set("time_major", true);
  EXPECT_THROW(make_object<Layer>(ObjectCategory::layer, "LSTM", config, "test"), ValueError);
}

// --- errors ---

TEST(RecurrentErrors, SayWhatIsWrong) {
  const Tensor x = values({3, 4, 5}, 1, DType::float32);
  EXPECT_NE(message_of<ValueError>([] { LSTM(0); }).find("units=0"), std::string::npos);
  EXPECT_NE(message_of<ValueError>([&] { LSTM(2)(x[0]); }).find("(4, 5)"), std::string::npos);
  EXPECT_THROW(layers::SimpleRNN(2)(values({2, 2, 2, 2}, 1)), ValueError);
  LSTM lstm(2);
  lstm(x);
  EXPECT_NE(message_of<ValueError>([&] { lstm(values({3, 4, 6}, 1)); }).find("built for"), std::string::npos);
  CallArgs args;
  args.initial_state = Nest(std::vector<Nest>{values({3, 2}, 1)});
  EXPECT_NE(message_of<ValueError>([&] { lstm(x, args); }).find("[(3, 2), (3, 2)]"), std::string::npos);
  args.initial_state = {values({3, 2}, 1), values({3, 3}, 1)};
  EXPECT_THROW(lstm(x, args), ValueError);
  args = {};
  args.mask = ops::ones({3, 5});
  EXPECT_NE(message_of<ValueError>([&] { lstm(x, args); }).find("(batch, steps)"), std::string::npos);
  EXPECT_THROW(lstm(values({3, 0, 5}, 1)), ValueError);
  EXPECT_THROW(layers::SimpleRNN(2)(values({3, 0, 5}, 1)), ValueError);
  EXPECT_THROW(lstm(Nest()), ValueError);
  EXPECT_THROW(LSTM(2, {.activation = "softsign", .use_cudnn = true})(x), ValueError);
  EXPECT_THROW(LSTM(2, {.use_cudnn = "yes"})(x), ValueError);
  EXPECT_THROW(layers::RNN(layers::Dense(2)), TypeError);
  EXPECT_THROW(layers::RNN(layers::LSTM(2)), TypeError);
  EXPECT_THROW(layers::RNN(RNNOptions{}), TypeError);
  EXPECT_THROW(layers::StackedRNNCells(std::vector<LayerHandle>{}), ValueError);
  EXPECT_THROW(layers::StackedRNNCells({layers::GRUCell(2), GRU(2)}), TypeError);
  EXPECT_NE(message_of<ValueError>([&] { layers::GRUCell(2)(x[0]); }).find("cell({x"), std::string::npos);
  EXPECT_THROW(layers::StackedRNNCells({layers::GRUCell(2), layers::GRUCell(2)})(
                   Nest{x[0], Nest(std::vector<Nest>{values({4, 2}, 1)})}),
               ValueError);
}

}  // namespace
}  // namespace keras
