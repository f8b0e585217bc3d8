// SPDX-License-Identifier: Apache-2.0
#include "nn/layer_operation.h"

namespace keras::internal {

LayerOperation::LayerOperation(std::shared_ptr<Layer> layer, CallArgs args)
    : Operation(layer->name()), layer_(std::move(layer)), args_(std::move(args)) {}

Nest LayerOperation::tensor_kwargs() const {
  std::vector<Nest::Item> items;
  if (!args_.mask.is_none()) items.emplace_back("mask", args_.mask);
  if (!args_.initial_state.is_none()) items.emplace_back("initial_state", args_.initial_state);
  if (args_.attention_mask.defined()) items.emplace_back("attention_mask", args_.attention_mask);
  for (const auto& other : args_.others) items.push_back(other);
  return items.empty() ? Nest() : Nest::dict(std::move(items));
}

std::vector<Tensor> LayerOperation::call(const Nest& args, const Nest& kwargs) {
  CallArgs call = args_;
  if (kwargs.is_dict()) {
    if (kwargs.contains("mask")) call.mask = kwargs["mask"];
    if (kwargs.contains("initial_state")) call.initial_state = kwargs["initial_state"];
    if (kwargs.contains("attention_mask")) call.attention_mask = kwargs["attention_mask"].tensor();
    for (auto& [key, value] : call.others) {
      if (kwargs.contains(key)) value = kwargs[key];
    }
  }
  return (*layer_)(args[0], call).flatten();
}

}  // namespace keras::internal
