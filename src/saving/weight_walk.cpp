// SPDX-License-Identifier: Apache-2.0
#include "saving/weight_walk.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "keras/base/error.h"
#include "keras/nn/lora.h"
#include "keras/nn/optimizers/loss_scale_optimizer.h"
#include "keras/ops/numpy.h"
#include "keras/ops/operation.h"

namespace keras::internal {

namespace {

std::string joined(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "/" + name;
}

// Attributes in the order of the walk: a graph's layers, public names by ASCII, those with an underscore.
void sort_attributes(std::vector<SavedChildren>& children) {
  std::stable_sort(children.begin(), children.end(), [](const SavedChildren& a, const SavedChildren& b) {
    if (a.first != b.first) return a.first;
    const bool ua = a.attribute.starts_with("_");
    const bool ub = b.attribute.starts_with("_");
    return ua != ub ? ub : a.attribute < b.attribute;
  });
}

// Names of the items of a list: the class in snake case, counted within the list.
class ItemNames {
 public:
  std::string next(const Layer& layer) {
    const std::string name = to_snake_case(layer.class_name());
    const int n = used_[name]++;
    return n == 0 ? name : fmt::format("{}_{}", name, n);
  }

 private:
  std::map<std::string, int> used_;
};

// The layer's low-rank adaptation, whose factors no file holds; null when it has none.
const LowRankAdapted* adaptation(const Layer& layer) {
  const auto* adapted = dynamic_cast<const LowRankAdapted*>(&layer);
  return adapted != nullptr && adapted->lora_enabled() ? adapted : nullptr;
}

std::vector<Variable> own_variables(const Layer& layer) {
  auto out = layer.core().trainable_variables;
  const auto& rest = layer.core().non_trainable_variables;
  out.insert(out.end(), rest.begin(), rest.end());
  if (const auto* adapted = adaptation(layer)) {
    std::erase_if(out, [&](const Variable& v) { return v.same(adapted->lora_a) || v.same(adapted->lora_b); });
  }
  return out;
}

// What a file holds for a variable of the layer: itself, or the kernel in use of an adapted one.
Tensor saved_value(const Layer& layer, const Variable& variable) {
  const auto* adapted = adaptation(layer);
  if (adapted == nullptr || !adapted->adapted_weight().same(variable)) return variable.slot().value;
  const AutocastScope plain(std::nullopt);
  return adapted->merged_weight(variable.dtype());
}

// Calls f(child, path) for every child of a layer; the optimizer stands among them as an attribute.
template <class F, class G>
void for_each_child(const Layer& layer, const std::string& path, bool has_optimizer, const F& child,
                    const G& optimizer) {
  auto children = layer.saved_children();
  if (has_optimizer) children.push_back({"optimizer", false, {}});
  sort_attributes(children);
  for (const auto& entry : children) {
    const std::string at = joined(path, entry.attribute);
    if (has_optimizer && entry.attribute == "optimizer" && entry.layers.empty()) {
      optimizer(at);
    } else if (!entry.list) {
      child(*entry.layers.front(), at);
    } else {
      ItemNames names;
      for (const auto& item : entry.layers) child(*item, joined(at, names.next(*item)));
    }
  }
}

}  // namespace

void WeightSaver::save(const Layer& root, const Optimizer* optimizer) { save_layer(root, "", optimizer); }

void WeightSaver::save_layer(const Layer& layer, const std::string& path, const Optimizer* optimizer) {
  if (!visited_.insert(&layer.core()).second) return;
  const std::string vars = joined(path, "vars");
  writer_.group(vars, layer.name());
  const auto variables = own_variables(layer);
  for (size_t i = 0; i < variables.size(); ++i) writer_.put(vars, i, saved_value(layer, variables[i]));
  for_each_child(
      layer, path, optimizer != nullptr,
      [&](const Layer& child, const std::string& at) { save_layer(child, at, nullptr); },
      [&](const std::string& at) {
        const auto put = [&](const Optimizer& o, const std::vector<Variable>& state,
                             const std::string& vars_path) {
          writer_.group(vars_path, o.name());
          for (size_t i = 0; i < state.size(); ++i) writer_.put(vars_path, i, state[i].slot().value);
        };
        put(*optimizer, optimizer->variables(), joined(at, "vars"));
        // The wrapper's variables include the inner ones; Keras writes those a second time.
        if (const auto* scaled = dynamic_cast<const optimizers::LossScaleOptimizer*>(optimizer)) {
          put(scaled->inner(), scaled->inner_variables(), joined(at, "inner_optimizer/vars"));
        }
      });
}

void WeightLoader::load(Layer& root, Optimizer* optimizer) { load_layer(root, "", optimizer); }

void WeightLoader::load_layer(Layer& layer, const std::string& path, Optimizer* optimizer) {
  if (!visited_.insert(&layer.core()).second) return;
  const std::string vars = joined(path, "vars");
  const auto variables = own_variables(layer);
  const auto keys = reader_.keys(vars);
  if (keys.size() != variables.size()) {
    fail<ValueError>(
        {layer.name(), fmt::format("The layer has {} weights", variables.size()),
         fmt::format("{} in the file at '{}'", keys.size(), vars),
         layer.built() ? "is it the same architecture?" : "build the model before loading weights"});
  }
  for (size_t i = 0; i < variables.size(); ++i) {
    const Tensor value = reader_.get(vars, i);
    if (!(value.shape() == variables[i].shape())) {
      fail<ValueError>(
          {variables[i].path(), "The weight in the file must have the variable's shape",
           fmt::format("file {}, variable {}", value.shape().to_string(), variables[i].shape().to_string()),
           ""});
    }
    variables[i].assign(value);
  }
  if (const auto* adapted = adaptation(layer)) {
    for (const Variable& factor : {adapted->lora_a, adapted->lora_b}) {
      factor.assign(ops::zeros_like(factor.slot().value));
    }
  }
  for_each_child(
      layer, path, optimizer != nullptr,
      [&](Layer& child, const std::string& at) { load_layer(child, at, nullptr); },
      [&](const std::string& at) {
        const auto state = optimizer->variables();
        const auto stored = reader_.keys(joined(at, "vars"));
        if (stored.empty()) return;
        bool fits = stored.size() == state.size();
        for (size_t i = 0; fits && i < state.size(); ++i) {
          fits = reader_.get(joined(at, "vars"), i).shape() == state[i].shape();
        }
        if (!fits) {
          std::fprintf(stderr,
                       "keras: the optimizer state of the file does not fit the optimizer; it starts anew\n");
          return;
        }
        for (size_t i = 0; i < state.size(); ++i) state[i].assign(reader_.get(joined(at, "vars"), i));
      });
}

}  // namespace keras::internal
