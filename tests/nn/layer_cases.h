// SPDX-License-Identifier: Apache-2.0
// The cases of tests/golden/layers_*.npz as layers with inputs, for tests of what holds for every layer.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "golden/golden_file.h"
#include "keras/models/model.h"
#include "keras/models/save.h"
#include "keras/nn/layers/input_layer.h"
#include "nn/close.h"

namespace keras {

inline constexpr const char* kFamilies[] = {
    "activation", "attention",     "conv",     "conv_depthwise", "conv_transpose", "core",
    "merging",    "normalization", "pooling",  "pooling_global", "preprocessing",  "regularization",
    "reshaping",  "rnn",           "rnn_conv", "rnn_wrappers"};

/// A golden case with its archive.
struct Example {
  const GoldenFile* golden;
  const Json* test;
};

/// All archives, read once.
inline const std::vector<std::unique_ptr<GoldenFile>>& archives() {
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

inline std::map<std::string, Example> first_cases() {
  return first_cases([](const Json&) { return true; });
}

// A tensor of its own: masks are put on it, and gradients taken, while the archive's serves other cases.
inline Tensor fresh(const Tensor& t) { return Tensor::copy(t.host_data(), t.shape(), t.dtype()); }

inline Nest load(const GoldenFile& golden, const Json& keys) {
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

// Puts the case's masks on the inputs' leaves, and gives them.
inline std::vector<Tensor> attach_masks(const Example& example, const Nest& inputs) {
  const Json& mask = (*example.test)["mask"];
  std::vector<Tensor> masks;
  const auto leaves = inputs.flatten();
  const auto attach = [&](const Tensor& x, const Json& key) {
    if (key.is_null()) return;
    masks.push_back(example.golden->array(key));
    x.set_mask(masks.back());
  };
  if (mask.is_list()) {
    for (size_t i = 0; i < mask.size(); ++i) attach(leaves.at(i), mask[i]);
  } else {
    attach(leaves.at(0), mask);
  }
  return masks;
}

// Further positional arguments stand behind the first one in the list of inputs.
inline Nest inputs_of(const Example& example) {
  const Json& test = *example.test;
  const Nest inputs = load(*example.golden, test["inputs"]);
  if (test["call_args"].size() == 0) return inputs;
  std::vector<Nest> items{inputs};
  for (const Json& keys : test["call_args"].as_list()) items.push_back(load(*example.golden, keys));
  return Nest(std::move(items));
}

inline CallArgs arguments_of(const Json& test) {
  CallArgs args;
  for (const auto& [name, value] : test["call_kwargs"].as_dict()) {
    if (name == "training") {
      // Inference is the default, and files do not tell it from the default.
      if (!value.is_null() && value.as_bool()) args.training = true;
    } else if (name == "use_causal_mask") {
      args.use_causal_mask = value.as_bool();
    } else if (name == "return_attention_scores") {
      args.return_attention_scores = value.as_bool();
    } else {
      ADD_FAILURE() << "the test knows no argument " << name;
    }
  }
  return args;
}

inline std::shared_ptr<Layer> layer_of(const Json& test) {
  return make_object<Layer>(ObjectCategory::layer, test["class_name"].as_string(), test["config"], "test");
}

inline void build(Layer& layer, const Nest& inputs) {
  std::vector<Shape> shapes;
  for (const Tensor& t : inputs.flatten()) shapes.push_back(t.shape());
  layer.ensure_built(shapes);
}

inline void set_golden_weights(Layer& layer, const Example& example) {
  std::vector<Tensor> values;
  for (const Json& w : (*example.test)["weights"].as_list())
    values.push_back(example.golden->array(w["key"]));
  layer.set_weights(values);
}

// Symbols of the inputs' types, of any batch size or the inputs'; masks become Inputs of their own, which go
// into `masks`.
inline Nest symbols_of(const Nest& inputs, std::vector<Nest>* masks = nullptr, bool fixed_batch = false) {
  return inputs.map([&](const Tensor& t) {
    std::optional<int64_t> batch;
    if (fixed_batch) batch = t.shape().front().value();
    const Tensor x =
        Input(t.shape().sub(1), {.batch_size = batch, .dtype = std::string(dtype_name(t.dtype()))});
    if (masks != nullptr && t.mask().defined()) {
      const Tensor mask = t.mask();
      const Tensor symbol = Input(mask.shape().sub(1), {.dtype = std::string(dtype_name(mask.dtype()))});
      masks->push_back(symbol);
      x.set_mask(symbol);
    }
    return x;
  });
}

inline Tolerance tolerance_of(DType dtype) {
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

// The layer's config, the layers inside of it included, under another policy.
inline Json with_policy(const Json& json, const std::string& policy) {
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

}  // namespace keras
