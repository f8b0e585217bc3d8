// SPDX-License-Identifier: Apache-2.0
// What holds for every registered layer, shown on its first case in tests/golden/layers_*.npz: configs,
// symbolic calls, functional models, dtype policies, masks, and one step of training.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "golden/golden_file.h"
#include "keras/autodiff/gradient_tape.h"
#include "keras/models/save.h"
#include "keras/nn/layers/input_layer.h"
#include "keras/nn/optimizers/sgd.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/close.h"

namespace keras {
namespace {

constexpr const char* kFamilies[] = {
    "activation", "attention",     "conv",     "conv_depthwise", "conv_transpose", "core",
    "merging",    "normalization", "pooling",  "pooling_global", "preprocessing",  "regularization",
    "reshaping",  "rnn",           "rnn_conv", "rnn_wrappers"};

// Registered classes without a case, and why.
const std::map<std::string, std::string> kWithoutCase = {
    {"Functional", "a model; tests/models compares models with Keras' own files"},
    {"Sequential", "a model; tests/models compares models with Keras' own files"},
    {"InputLayer", "gives what it gets; every functional model here begins with it"},
    {"Lambda", "Keras writes its function as Python bytecode; tests/nn/lambda_test.cpp has the C++ one"},
};

/// A golden case with its archive.
struct Example {
  const GoldenFile* golden;
  const Json* test;
};

/// All archives, read once.
const std::vector<std::unique_ptr<GoldenFile>>& archives() {
  static const auto* files = [] {
    auto* out = new std::vector<std::unique_ptr<GoldenFile>>;
    for (const char* family : kFamilies) {
      out->push_back(std::make_unique<GoldenFile>(std::string("layers_") + family));
    }
    return out;
  }();
  return *files;
}

/// The first case of each class that is registered, and for which `suits` holds.
template <class Suits>
std::map<std::string, Example> first_cases(const Suits& suits) {
  std::map<std::string, Example> out;
  for (const auto& golden : archives()) {
    for (const Json& test : golden->cases()) {
      const std::string& name = test["class_name"].as_string();
      // Python's class may have another name than the public one, which is an alias here.
      const auto entry = find_object(ObjectCategory::layer, name);
      if (entry != nullptr && suits(test)) out.try_emplace(entry->class_name, Example{golden.get(), &test});
    }
  }
  return out;
}

std::map<std::string, Example> first_cases() {
  return first_cases([](const Json&) { return true; });
}

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

// Further positional arguments stand behind the first one in the list of inputs.
Nest inputs_of(const Example& example) {
  const Json& test = *example.test;
  const Nest inputs = load(*example.golden, test["inputs"]);
  if (test["call_args"].size() == 0) return inputs;
  std::vector<Nest> items{inputs};
  for (const Json& keys : test["call_args"].as_list()) items.push_back(load(*example.golden, keys));
  return Nest(std::move(items));
}

CallArgs arguments_of(const Json& test) {
  CallArgs args;
  for (const auto& [name, value] : test["call_kwargs"].as_dict()) {
    if (name == "training") {
      // Inference is the default, and files do not tell it from the default.
      if (!value.is_null() && value.as_bool()) args.training = true;
    } else if (name == "use_causal_mask") {
      args.use_causal_mask = value.as_bool();
    } else {
      ADD_FAILURE() << "the test knows no argument " << name;
    }
  }
  return args;
}

std::shared_ptr<Layer> layer_of(const Json& test) {
  return make_object<Layer>(ObjectCategory::layer, test["class_name"].as_string(), test["config"], "test");
}

void build(Layer& layer, const Nest& inputs) {
  std::vector<Shape> shapes;
  for (const Tensor& t : inputs.flatten()) shapes.push_back(t.shape());
  layer.ensure_built(shapes);
}

void set_golden_weights(Layer& layer, const Example& example) {
  std::vector<Tensor> values;
  for (const Json& w : (*example.test)["weights"].as_list())
    values.push_back(example.golden->array(w["key"]));
  layer.set_weights(values);
}

// Symbols of the inputs' types, of any batch size; masks become Inputs of their own, which go into `masks`.
Nest symbols_of(const Nest& inputs, std::vector<Nest>* masks = nullptr) {
  return inputs.map([&](const Tensor& t) {
    const Tensor x = Input(t.shape().sub(1), {.dtype = std::string(dtype_name(t.dtype()))});
    if (masks != nullptr && t.mask().defined()) {
      const Tensor mask = t.mask();
      const Tensor symbol = Input(mask.shape().sub(1), {.dtype = std::string(dtype_name(mask.dtype()))});
      masks->push_back(symbol);
      x.set_mask(symbol);
    }
    return x;
  });
}

Tolerance tolerance_of(DType dtype) {
  if (dtype == DType::float64) return {1e-9, 1e-9};
  if (dtype == DType::float16) return {1e-2, 4e-3};
  if (dtype == DType::bfloat16) return {4e-2, 3e-2};
  return {1e-4, 1e-5};
}

// Runs `check` for each class, with its name in the failures.
template <class Check>
void for_each_case(const std::map<std::string, Example>& cases, const Check& check) {
  ASSERT_FALSE(cases.empty());
  for (const auto& [name, example] : cases) {
    SCOPED_TRACE(name + ", case " + (*example.test)["name"].as_string() + ": " +
                 (*example.test)["config"].dump());
    try {
      check(example);
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
}

TEST(LayerProperties, EveryClassHasACase) {
  const auto cases = first_cases();
  size_t count = 0;
  for (const auto& entry : registered_objects(ObjectCategory::layer)) {
    if (!entry->package.empty()) continue;  // registered by a test of users' layers
    ++count;
    EXPECT_NE(cases.contains(entry->class_name), kWithoutCase.contains(entry->class_name))
        << entry->class_name << " needs a golden case or an entry in kWithoutCase, not both";
  }
  EXPECT_EQ(count, cases.size() + kWithoutCase.size());
}

TEST(LayerProperties, ConfigsAreReadBack) {
  for_each_case(first_cases(), [](const Example& example) {
    const auto layer = layer_of(*example.test);
    const auto again = deserialize_layer(serialize_layer(*layer));
    EXPECT_EQ(again->class_name(), layer->class_name());
    EXPECT_EQ(again->get_config(), layer->get_config());
    // Built, it and the layers in it are written with the shapes that they were built for.
    const Nest inputs = inputs_of(example);
    build(*layer, inputs);
    const auto built = deserialize_layer(serialize_layer(*layer));
    build(*built, inputs);
    EXPECT_EQ(serialize_layer(*built), serialize_layer(*layer));
  });
}

TEST(LayerProperties, SymbolicShapesAreThoseOfData) {
  for_each_case(first_cases(), [](const Example& example) {
    const Nest inputs = inputs_of(example);
    const CallArgs args = arguments_of(*example.test);
    const auto layer = layer_of(*example.test);
    const auto symbols = (*layer)(symbols_of(inputs), args).flatten();
    const auto values = (*layer)(inputs, args).flatten();
    ASSERT_EQ(symbols.size(), values.size());
    for (size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(dtype_name(symbols[i].dtype()), dtype_name(values[i].dtype()));
      const Shape symbolic = symbols[i].shape(), real = values[i].shape();
      ASSERT_EQ(symbolic.rank(), real.rank()) << symbolic.to_string() << " and " << real.to_string();
      EXPECT_FALSE(symbolic.front().known()) << "the batch size is open: " << symbolic.to_string();
      EXPECT_EQ(symbolic.sub(1), real.sub(1)) << symbolic.to_string() << " and " << real.to_string();
    }
  });
}

TEST(LayerProperties, WorkInFunctionalModels) {
  for_each_case(first_cases(), [](const Example& example) {
    const Nest inputs = inputs_of(example);
    const auto layer = layer_of(*example.test);
    const Nest symbols = symbols_of(inputs);
    const Nest outputs = (*layer)(symbols, arguments_of(*example.test));
    Model model(symbols, outputs);
    set_golden_weights(*layer, example);
    // A stateful layer (BatchNormalization in training) changes its weights when it is called.
    const auto weights = model.get_weights();
    const auto again = std::dynamic_pointer_cast<Model>(deserialize_layer(serialize_layer(model)).shared());
    ASSERT_NE(again, nullptr);
    again->set_weights(weights);
    const auto& keys = (*example.test)["outputs"].as_list();
    for (Model* each : {&model, again.get()}) {
      const auto values = (*each)(inputs).flatten();
      ASSERT_EQ(values.size(), keys.size());
      for (size_t i = 0; i < keys.size(); ++i) {
        const Tensor wanted = example.golden->array(keys[i]);
        EXPECT_TRUE(close(values[i], wanted, tolerance_of(wanted.dtype())))
            << "output " << i << (each == &model ? "" : " of the model read back");
      }
    }
    EXPECT_EQ(again->get_config(), model.get_config());
  });
}

TEST(LayerProperties, MasksGoThroughFunctionalModels) {
  const auto masked = first_cases([](const Json& test) {
    if (test["calls"].as_int() != 1 || test["tensor_kwargs"].size() != 0) return false;
    return !test["mask"].is_null();
  });
  for_each_case(masked, [](const Example& example) {
    const Json& test = *example.test;
    const Nest inputs = inputs_of(example);
    std::vector<Tensor> masks;
    const auto leaves = inputs.flatten();
    const auto attach = [&](const Tensor& x, const Json& key) {
      if (key.is_null()) return;
      masks.push_back(example.golden->array(key));
      x.set_mask(masks.back());
    };
    if (test["mask"].is_list()) {
      for (size_t i = 0; i < test["mask"].size(); ++i) attach(leaves.at(i), test["mask"][i]);
    } else {
      attach(leaves.at(0), test["mask"]);
    }
    // Under a name that no operation of the masks takes.
    Json config = test["config"];
    config.set("name", "masked_layer");
    const auto layer =
        make_object<Layer>(ObjectCategory::layer, test["class_name"].as_string(), config, "test");
    std::vector<Nest> symbols_of_masks;
    const Nest symbols = symbols_of(inputs, &symbols_of_masks);
    const auto outputs = (*layer)(symbols, arguments_of(test)).flatten();
    // The masks of the outputs are values of the graph, too.
    std::vector<Nest> results;
    std::vector<Json> wanted;
    for (size_t i = 0; i < outputs.size(); ++i) {
      const Json& keys = test["output_mask"];
      const Json mask = keys.is_list() ? keys[i] : keys;
      EXPECT_EQ(outputs[i].mask().defined(), !mask.is_null()) << "mask of output " << i;
      results.emplace_back(outputs[i]);
      wanted.push_back(test["outputs"][i]);
      if (mask.is_null() || !outputs[i].mask().defined()) continue;
      results.emplace_back(outputs[i].mask());
      wanted.push_back(mask);
    }
    Model model(Nest{symbols, Nest(symbols_of_masks)}, Nest(results));
    set_golden_weights(*layer, example);
    const auto values = model(Nest{inputs, Nest(masks)}).flatten();
    ASSERT_EQ(values.size(), wanted.size());
    for (size_t i = 0; i < wanted.size(); ++i) {
      const Tensor value = example.golden->array(wanted[i]);
      EXPECT_TRUE(close(values[i], value, tolerance_of(value.dtype()))) << "result " << i;
    }
  });
}

// The layer's config, the layers inside of it included, under another policy.
Json with_policy(const Json& json, const std::string& policy) {
  if (json.is_list()) {
    Json::List out;
    for (const Json& item : json.as_list()) out.push_back(with_policy(item, policy));
    return Json(std::move(out));
  }
  if (!json.is_dict()) return json;
  if (json.get("class_name") == Json("DTypePolicy")) {
    Json out = json;
    out.set("config", Json::dict({{"name", policy}}));
    return out;
  }
  Json out = Json::dict();
  for (const auto& [key, value] : json.as_dict()) out.set(key, with_policy(value, policy));
  return out;
}

TEST(LayerProperties, DtypesUnderPoliciesAreKeras) {
  const GoldenFile policies("policies");
  std::map<std::string, const Json*> rows;
  for (const Json& row : policies.cases()) rows.emplace(row["class_name"].as_string(), &row);
  for_each_case(first_cases(), [&](const Example& example) {
    const Json& test = *example.test;
    const auto found = rows.find(test["class_name"].as_string());
    ASSERT_NE(found, rows.end());
    const Json& row = *found->second;
    ASSERT_EQ(row["name"], test["name"]);
    const Nest inputs = inputs_of(example);
    for (const auto& [policy, dtypes] : row["dtypes"].as_dict()) {
      SCOPED_TRACE(policy);
      const auto layer = make_object<Layer>(ObjectCategory::layer, test["class_name"].as_string(),
                                            with_policy(test["config"], policy), "test");
      const auto outputs = (*layer)(inputs, arguments_of(test)).flatten();
      for (size_t i = 0; i < outputs.size(); ++i) {
        // Where TensorFlow has no kernel, floats have the compute dtype.
        const std::string wanted =
            dtypes.is_null() ? std::string(dtype_name(layer->compute_dtype())) : dtypes[i].as_string();
        EXPECT_EQ(dtype_name(outputs[i].dtype()), wanted) << "output " << i;
      }
      for (const Variable& weight : layer->weights()) {
        if (!is_float(weight.dtype())) continue;
        EXPECT_EQ(weight.dtype(), layer->variable_dtype()) << weight.path();
      }
    }
  });
}

TEST(LayerProperties, OneStepTrainsEveryWeight) {
  size_t trained = 0;
  for_each_case(first_cases(), [&](const Example& example) {
    const Json& test = *example.test;
    const Nest inputs = inputs_of(example);
    const auto layer = layer_of(test);
    build(*layer, inputs);
    set_golden_weights(*layer, example);
    const auto variables = layer->trainable_weights();
    if (variables.empty()) return;
    GradientTape tape;
    const auto outputs = (*layer)(inputs, arguments_of(test)).flatten();
    // The mean of normalized values would have no gradient at all, hence the golden case's own weights.
    Tensor loss;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (test["cotangents"][i].is_null()) continue;
      const Tensor part = ops::mean(outputs[i] * example.golden->array(test["cotangents"][i]));
      loss = loss.defined() ? loss + part : part;
    }
    const auto gradients = tape.gradient(loss, variables);
    const auto before = [&] {
      std::vector<std::vector<double>> out;
      for (const Variable& v : variables) out.push_back(v.value().to_vector<double>());
      return out;
    };
    const auto old_values = before();
    optimizers::SGD(0.5).apply(gradients, variables);
    const auto new_values = before();
    for (size_t i = 0; i < variables.size(); ++i) {
      // A bias before a softmax or a normalization has no gradient, in Keras neither.
      const Json& key = test["weight_grads"][i];
      double largest = 0;
      if (!key.is_null()) {
        for (const double g : example.golden->array(key).to_vector<double>()) {
          largest = std::max(largest, std::abs(g));
        }
      }
      if (largest < 1e-4) continue;
      ASSERT_TRUE(gradients[i].defined()) << variables[i].path();
      for (const double g : gradients[i].to_vector<double>())
        EXPECT_TRUE(std::isfinite(g)) << variables[i].path();
      EXPECT_NE(old_values[i], new_values[i]) << variables[i].path();
      ++trained;
    }
  });
  EXPECT_GT(trained, 0u);
}

}  // namespace
}  // namespace keras
