// SPDX-License-Identifier: Apache-2.0
// What holds for every registered layer, shown on its first case in tests/golden/layers_*.npz: configs,
// symbolic calls, functional models, dtype policies, masks, and one step of training.
#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "keras/autodiff/gradient_tape.h"
#include "keras/nn/optimizers/sgd.h"
#include "keras/ops/core.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operators.h"
#include "nn/layer_cases.h"

namespace keras {
namespace {

// Registered classes without a case, and why.
const std::map<std::string, std::string> kWithoutCase = {
    {"Functional", "a model; tests/models compares models with Keras' own files"},
    {"Sequential", "a model; tests/models compares models with Keras' own files"},
    {"InputLayer", "gives what it gets; every functional model here begins with it"},
    {"Lambda", "Keras writes its function as Python bytecode; tests/nn/lambda_test.cpp has the C++ one"},
};

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
    const std::vector<Tensor> masks = attach_masks(example, inputs);
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
