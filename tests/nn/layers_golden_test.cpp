// SPDX-License-Identifier: Apache-2.0
// keras.layers against real Keras: configs, weights, outputs, gradients, masks, losses and shapes of
// tests/golden/layers_*.npz.
#include <gtest/gtest.h>

#include <set>

#include "golden/golden_file.h"
#include "keras/autodiff/gradient_tape.h"
#include "keras/nn/layer.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/close.h"

namespace keras {
namespace {

// Classes that the archives have and this library does not have yet. A class that comes or goes without a
// change here fails NothingIsForgotten.
const std::set<std::string> kMissing = {
    "AutoContrast",    "ConvLSTM1D",   "ConvLSTM2D",           "ConvLSTM3D",     "Equalization",
    "HashedCrossing",  "Hashing",      "IntegerLookup",        "MelSpectrogram", "ReversibleEmbedding",
    "STFTSpectrogram", "Solarization", "SpectralNormalization"};

Tolerance tolerance_of(DType dtype) {
  if (dtype == DType::float64) return {1e-9, 1e-9};
  if (dtype == DType::float16) return {1e-2, 4e-3};
  if (dtype == DType::bfloat16) return {4e-2, 3e-2};
  return {1e-4, 1e-5};
}

// A tensor of its own: masks are put on it, and gradients taken, while the archive's serves other cases.
Tensor fresh(const Tensor& t) { return Tensor::copy(t.host_data(), t.shape(), t.dtype()); }

Nest load(const GoldenFile& golden, const Json& keys) {
  if (keys.is_null()) return {};
  if (keys.is_string()) return fresh(golden.array(keys));
  if (keys.is_list()) {
    std::vector<Nest> items;
    for (const Json& key : keys.as_list()) items.push_back(load(golden, key));
    return Nest(std::move(items));
  }
  std::vector<Nest::Item> items;
  for (const auto& [name, key] : keys.as_dict()) items.emplace_back(name, load(golden, key));
  return Nest::dict(std::move(items));
}

class Case {
 public:
  Case(const GoldenFile& golden, const Json& c) : golden_(golden), case_(c) {}

  void check() {
    layer_ =
        make_object<Layer>(ObjectCategory::layer, case_["class_name"].as_string(), case_["config"], "test");
    inputs_ = load(golden_, case_["inputs"]);
    input_gradients_ = case_["input_grads"].as_list();
    set_input_masks();
    if (case_["call_args"].size() != 0) add_call_args();
    set_weights();
    call();
    check_config();
    check_outputs();
    check_gradients();
    check_state();
  }

 private:
  // Further positional arguments stand behind the first one in the list of inputs.
  void add_call_args() {
    std::vector<Nest> items{inputs_};
    for (const Json& keys : case_["call_args"].as_list()) items.push_back(load(golden_, keys));
    inputs_ = Nest(std::move(items));
    for (const Json& key : case_["call_arg_grads"].as_list()) input_gradients_.push_back(key);
  }

  void set_input_masks() {
    const Json& mask = case_["mask"];
    if (mask.is_null()) return;
    const auto leaves = inputs_.flatten();
    if (mask.is_string()) return leaves.at(0).set_mask(golden_.array(mask));
    for (size_t i = 0; i < leaves.size(); ++i) {
      if (!mask[i].is_null()) leaves[i].set_mask(golden_.array(mask[i]));
    }
  }

  void set_weights() {
    std::vector<Shape> shapes;
    for (const Tensor& t : inputs_.flatten()) shapes.push_back(t.shape());
    layer_->ensure_built(shapes);
    const auto weights = layer_->weights();
    const auto& golden_weights = case_["weights"].as_list();
    ASSERT_EQ(weights.size(), golden_weights.size());
    std::vector<Tensor> values;
    for (size_t i = 0; i < weights.size(); ++i) {
      const Json& w = golden_weights[i];
      EXPECT_EQ(weights[i].path(), w["path"].as_string());
      EXPECT_EQ(dtype_name(weights[i].dtype()), w["dtype"].as_string()) << weights[i].path();
      EXPECT_EQ(weights[i].trainable(), w["trainable"].as_bool()) << weights[i].path();
      values.push_back(golden_.array(w["key"]));
    }
    layer_->set_weights(values);
  }

  void call() {
    CallArgs args;
    for (const auto& [name, value] : case_["call_kwargs"].as_dict()) {
      if (name == "training") {
        if (!value.is_null()) args.training = value.as_bool();
      } else if (name == "use_causal_mask") {
        args.use_causal_mask = value.as_bool();
      } else if (name == "return_attention_scores") {
        args.return_attention_scores = value.as_bool();
      } else {
        ADD_FAILURE() << "the test knows no argument " << name;
      }
    }
    Nest query_mask, value_mask, key_mask;
    for (const auto& [name, value] : case_["tensor_kwargs"].as_dict()) {
      if (name == "mask") {
        args.mask = load(golden_, value);
      } else if (name == "initial_state") {
        args.initial_state = load(golden_, value);
      } else if (name == "attention_mask") {
        args.attention_mask = golden_.array(value);
      } else if (name == "query_mask" || name == "value_mask" || name == "key_mask") {
        (name == "query_mask"   ? query_mask
         : name == "value_mask" ? value_mask
                                : key_mask) = load(golden_, value);
        args.mask = Nest{query_mask, value_mask, key_mask};
      } else if (name == "count_weights") {
        args.others.emplace_back(name, load(golden_, value));
      } else {
        ADD_FAILURE() << "the test knows no argument " << name;
      }
    }
    for (const Tensor& t : inputs_.flatten()) {
      if (is_float(t.dtype())) sources_.push_back(t);
    }
    states_ = args.initial_state.flatten();
    for (const Tensor& t : states_) tape_.watch(t);
    for (int64_t i = 1; i < case_["calls"].as_int(); ++i) {
      outputs_ = (*layer_)(inputs_, args).flatten();
      const Json& first = case_.contains("first_outputs") ? case_["first_outputs"] : Json();
      for (size_t k = 0; k < first.size(); ++k) {
        const Tensor wanted = golden_.array(first[k]);
        EXPECT_TRUE(close(outputs_.at(k), wanted, tolerance_of(wanted.dtype()))) << "first output " << k;
      }
    }
    layer_->clear_losses();
    for (const Tensor& t : sources_) tape_.watch(t);
    outputs_ = (*layer_)(inputs_, args).flatten();
    losses_ = layer_->losses();
  }

  void check_config() {
    EXPECT_EQ(serialize_object(*layer_)["class_name"].as_string(),
              case_["serialized"]["class_name"].as_string());
    const Json ours = layer_->get_config();
    for (const auto& [key, value] : case_["config"].as_dict()) {
      const Json* found = ours.find(key);
      if (found == nullptr) {
        ADD_FAILURE() << "get_config lacks " << key;
      } else {
        EXPECT_TRUE(*found == value) << key << ": " << found->dump() << ", in Keras " << value.dump();
      }
    }
    for (const auto& [key, value] : ours.as_dict()) EXPECT_TRUE(case_["config"].contains(key)) << key;
  }

  void check_outputs() {
    const auto& keys = case_["outputs"].as_list();
    ASSERT_EQ(outputs_.size(), keys.size());
    for (size_t i = 0; i < keys.size(); ++i) {
      const Tensor wanted = golden_.array(keys[i]);
      EXPECT_EQ(dtype_name(outputs_[i].dtype()), dtype_name(wanted.dtype()));
      EXPECT_TRUE(close(outputs_[i], wanted, tolerance_of(wanted.dtype()))) << "output " << i;
      const Json& masks = case_["output_mask"];
      const Json mask = masks.is_list() ? masks[i] : masks;
      const Tensor ours = outputs_[i].mask();
      if (mask.is_null()) {
        EXPECT_FALSE(ours.defined()) << "Keras' output has no mask";
      } else if (!ours.defined()) {
        ADD_FAILURE() << "Keras' output has a mask";
      } else {
        EXPECT_TRUE(close(ours, golden_.array(mask))) << "output mask";
      }
    }
    const Json& shape = case_["compute_output_shape"];
    const auto leaves = inputs_.flatten();
    if (inputs_.is_leaf() && outputs_.size() == 1 && !shape.is_null()) {
      const Json ours = FieldCodec<Shape>::to_json(layer_->compute_output_shape(leaves[0].shape()));
      ASSERT_EQ(ours.size(), shape.size());
      for (size_t a = 0; a < shape.size(); ++a) {
        if (shape[a].is_null()) continue;  // Keras does not know
        const bool real = Dim(shape[a].as_int()) == outputs_[0].dim(static_cast<int>(a));
        if (!real) continue;  // Keras is wrong: of layers of different units, of glu
        EXPECT_EQ(ours[a].dump(), shape[a].dump()) << "axis " << a;
      }
    }
  }

  void check_gradients() {
    Tensor total;
    for (size_t i = 0; i < outputs_.size(); ++i) {
      const Json& key = case_["cotangents"][i];
      if (key.is_null()) continue;
      const Tensor cotangent = golden_.array(key);
      const Tensor part = ops::sum(ops::cast(outputs_[i], cotangent.dtype()) * cotangent);
      total = total.defined() ? total + part : part;
    }
    if (!total.defined()) return;
    size_t source = 0;
    const auto leaves = inputs_.flatten();
    for (size_t i = 0; i < leaves.size(); ++i) {
      if (!is_float(leaves[i].dtype())) continue;
      const Tensor ours = tape_.gradient(total, sources_[source++]);
      compare_gradient(ours, input_gradients_.at(i), leaves[i], "input " + std::to_string(i));
    }
    for (size_t i = 0; i < states_.size(); ++i) {
      compare_gradient(tape_.gradient(total, states_[i]), case_["tensor_kwarg_grads"][i], states_[i],
                       "initial state " + std::to_string(i));
    }
    const auto variables = layer_->trainable_weights();
    const auto& keys = case_["weight_grads"].as_list();
    ASSERT_EQ(variables.size(), keys.size());
    if (variables.empty()) return;
    const auto gradients = tape_.gradient(total, variables);
    for (size_t i = 0; i < keys.size(); ++i) {
      compare_gradient(gradients[i], keys[i], variables[i].value(), variables[i].path());
    }
  }

  void compare_gradient(const Tensor& ours, const Json& key, const Tensor& of, const std::string& what) {
    // TensorFlow gave garbage, so that the archive holds none; the op's own test checks the gradient.
    if (key.is_null() && case_.get("note", "").as_string().starts_with("no gradient")) return;
    if (key.is_null()) {
      if (ours.defined()) {
        EXPECT_TRUE(close(ours, ops::zeros_like(of))) << "gradient of " << what;
      }
      return;
    }
    const Tensor wanted = golden_.array(key);
    // An undefined gradient is a zero one.
    const Tensor value = ours.defined() ? ours : ops::zeros_like(of);
    Tolerance tolerance = tolerance_of(outputs_[0].dtype());
    if (wanted.dtype() != outputs_[0].dtype() && is_float(outputs_[0].dtype())) {
      const Tolerance other = tolerance_of(wanted.dtype());
      if (other.relative > tolerance.relative) tolerance = other;
    }
    EXPECT_TRUE(close(value, wanted, {tolerance.relative * 2, tolerance.absolute * 2}))
        << "gradient of " << what;
  }

  void check_state() {
    if (!case_["weights_after"].is_null()) {
      const auto ours = layer_->get_weights();
      const auto& keys = case_["weights_after"].as_list();
      ASSERT_EQ(ours.size(), keys.size());
      for (size_t i = 0; i < keys.size(); ++i) {
        const Tensor wanted = golden_.array(keys[i]);
        EXPECT_TRUE(close(ours[i], wanted, tolerance_of(outputs_[0].dtype())))
            << "weight " << i << " afterwards";
      }
    }
    const auto& losses = case_["losses"].as_list();
    ASSERT_EQ(losses_.size(), losses.size());
    for (size_t i = 0; i < losses.size(); ++i) {
      const double wanted =
          losses[i].is_number() ? losses[i].as_real() : golden_.array(losses[i]).item<double>();
      EXPECT_NEAR(losses_[i].item<double>(), wanted, 1e-5 + 1e-4 * std::abs(wanted)) << "loss " << i;
    }
  }

  const GoldenFile& golden_;
  const Json& case_;
  std::shared_ptr<Layer> layer_;
  Nest inputs_;
  Json::List input_gradients_;
  GradientTape tape_{true};
  std::vector<Tensor> sources_, states_, outputs_, losses_;
};

constexpr const char* kFamilies[] = {
    "activation", "attention",     "conv",     "conv_depthwise", "conv_transpose", "core",
    "merging",    "normalization", "pooling",  "pooling_global", "preprocessing",  "regularization",
    "reshaping",  "rnn",           "rnn_conv", "rnn_wrappers"};

class LayersGolden : public ::testing::TestWithParam<const char*> {};

TEST_P(LayersGolden, AreKeras) {
  const std::string family = std::string("layers_") + GetParam();
  const GoldenFile golden(family);
  ASSERT_FALSE(golden.cases().empty());
  for (const Json& c : golden.cases()) {
    if (kMissing.count(c["class_name"].as_string()) != 0) continue;
    SCOPED_TRACE(family + " case " + c["name"].as_string() + ": " + c["class_name"].as_string() + " " +
                 c["config"].dump() + " called with " + c["call_kwargs"].dump());
    try {
      Case(golden, c).check();
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, LayersGolden, ::testing::ValuesIn(kFamilies),
                         [](const auto& family) { return std::string(family.param); });

TEST(LayersGoldenClasses, NothingIsForgotten) {
  std::set<std::string> wanted;
  for (const char* family : kFamilies) {
    const GoldenFile golden(std::string("layers_") + family);
    for (const Json& c : golden.cases()) wanted.insert(c["class_name"].as_string());
  }
  for (const std::string& name : wanted) {
    const bool there = find_object(ObjectCategory::layer, name) != nullptr;
    EXPECT_EQ(there, kMissing.count(name) == 0) << name << (there ? " is listed as missing" : " is missing");
  }
  for (const std::string& name : kMissing) EXPECT_TRUE(wanted.count(name) != 0) << name;
}

}  // namespace
}  // namespace keras
