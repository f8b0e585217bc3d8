// SPDX-License-Identifier: Apache-2.0
#include "nn/layer_operation.h"

#include <algorithm>
#include <functional>

namespace keras::internal {

namespace {

// "query_mask" for a layer whose inputs are arguments of their own.
std::string mask_name(const std::string& input) { return input + "_mask"; }

}  // namespace

LayerOperation::LayerOperation(std::shared_ptr<Layer> layer, CallArgs args, bool names_mask)
    : Operation(layer->name()), layer_(std::move(layer)), args_(std::move(args)), names_mask_(names_mask) {}

Nest LayerOperation::tensor_kwargs() const {
  std::vector<Nest::Item> items;
  const auto inputs = layer_->call_signature().inputs;
  if (inputs.size() > 1 && args_.mask.is_list()) {
    for (size_t i = 0; i < inputs.size() && i < args_.mask.size(); ++i) {
      if (!args_.mask[i].is_none()) items.emplace_back(mask_name(inputs[i]), args_.mask[i]);
    }
  } else if (!args_.mask.is_none()) {
    items.emplace_back("mask", args_.mask);
  }
  if (!args_.initial_state.is_none()) items.emplace_back("initial_state", args_.initial_state);
  if (args_.attention_mask.defined()) items.emplace_back("attention_mask", args_.attention_mask);
  for (const auto& other : args_.others) items.push_back(other);
  return items.empty() ? Nest() : Nest::dict(std::move(items));
}

Json LayerOperation::plain_kwargs() const {
  Json out = Json::dict();
  if (args_.training) out.set("training", *args_.training);
  if (names_mask_ && args_.mask.is_none()) out.set("mask", nullptr);
  if (args_.use_causal_mask) out.set("use_causal_mask", true);
  if (args_.return_attention_scores) out.set("return_attention_scores", true);
  return out;
}

std::pair<Nest, CallArgs> LayerOperation::filled(const Nest& args, const Nest& kwargs) const {
  CallArgs call = args_;
  const auto inputs = layer_->call_signature().inputs;
  if (kwargs.is_dict()) {
    if (kwargs.contains("mask")) call.mask = kwargs["mask"];
    if (call.mask.is_list() && inputs.size() > 1) {
      auto masks = call.mask.list();
      for (size_t i = 0; i < inputs.size() && i < masks.size(); ++i) {
        if (kwargs.contains(mask_name(inputs[i]))) masks[i] = kwargs[mask_name(inputs[i])];
      }
      call.mask = Nest(std::move(masks));
    }
    if (kwargs.contains("initial_state")) call.initial_state = kwargs["initial_state"];
    if (kwargs.contains("attention_mask")) call.attention_mask = kwargs["attention_mask"].tensor();
    for (auto& [key, value] : call.others) {
      if (kwargs.contains(key)) value = kwargs[key];
    }
  }
  return {inputs.size() > 1 && args.size() > 1 ? args : args[0], std::move(call)};
}

std::vector<Tensor> LayerOperation::call(const Nest& args, const Nest& kwargs) {
  const auto [inputs, call] = filled(args, kwargs);
  return (*layer_)(inputs, call).flatten();
}

CallArgs call_args_from_json(const Layer& layer, const Json& kwargs,
                             const std::function<Nest(const Json&)>& tensor_of) {
  CallArgs out;
  if (kwargs.is_null()) return out;
  const auto inputs = layer.call_signature().inputs;
  std::vector<Nest> masks(inputs.size());
  for (const auto& item : kwargs.as_dict(layer.name())) {
    const std::string& key = item.first;
    const Json& value = item.second;
    if (value.is_null()) continue;
    const auto input =
        std::find_if(inputs.begin(), inputs.end(), [&](const auto& name) { return mask_name(name) == key; });
    if (key == "training") {
      // Files before 3.16 wrote the default of the layer's signature as if it had been given.
      const bool written_default =
          layer.module() == "keras.layers" && layer.class_name() != "BatchNormalization";
      if (value.as_bool(key) || !written_default) out.training = value.as_bool(key);
    } else if (key == "use_causal_mask") {
      out.use_causal_mask = value.as_bool(key);
    } else if (key == "return_attention_scores") {
      out.return_attention_scores = value.as_bool(key);
    } else if (key == "mask") {
      out.mask = tensor_of(value);
    } else if (inputs.size() > 1 && input != inputs.end()) {
      masks[static_cast<size_t>(input - inputs.begin())] = tensor_of(value);
      out.mask = Nest(masks);
    } else if (key == "initial_state") {
      out.initial_state = tensor_of(value);
    } else if (key == "attention_mask") {
      out.attention_mask = tensor_of(value).tensor();
    } else {
      out.others.emplace_back(key, tensor_of(value));
    }
  }
  return out;
}

}  // namespace keras::internal
