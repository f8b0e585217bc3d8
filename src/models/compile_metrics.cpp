// SPDX-License-Identifier: Apache-2.0
#include "models/compile_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "keras/base/error.h"
#include "keras/schema/object_registry.h"
#include "models/output_structure.h"

namespace keras::internal {

CompileMetrics::CompileMetrics(MetricsArg metrics, MetricsArg weighted, std::vector<std::string> output_names)
    : metrics_(std::move(metrics)), weighted_(std::move(weighted)), output_names_(std::move(output_names)) {}

namespace {

using Kind = MetricsArg::Kind;

std::shared_ptr<Metric> metric_of(const MetricSpec& spec, const Tensor& y_true, const Tensor& y_pred) {
  if (spec.metric()) return spec.metric().shared();
  std::string lowered = spec.name();
  std::transform(lowered.begin(), lowered.end(), lowered.begin(),
                 [](unsigned char c) { return std::tolower(c); });
  std::shared_ptr<Metric> metric;
  if (lowered == "accuracy" || lowered == "acc") {
    const auto kind = label_kind(y_true, y_pred);
    metric = Metric::from_name(kind.binary   ? "binary_accuracy"
                               : kind.sparse ? "sparse_categorical_accuracy"
                                             : "categorical_accuracy");
  } else {
    if (find_object(ObjectCategory::metric, spec.name()) == nullptr) {
      // "accuracy" is no class: Accuracy is another one.
      std::vector<std::string> names{"accuracy", "acc"};
      for (const auto& entry : registered_objects(ObjectCategory::metric)) {
        names.push_back(entry->class_name);
        names.insert(names.end(), entry->aliases.begin(), entry->aliases.end());
      }
      fail_unknown_name("compile", "metric", spec.name(), names);
    }
    metric = Metric::from_name(spec.name());
  }
  metric->set_name(spec.name());
  return metric;
}

// The metrics of one output. In a list each item is a metric, whatever structure the list has.
void collect(const MetricsArg& arg, const Nest& y_true, const Nest& y_pred,
             std::vector<std::shared_ptr<Metric>>& out) {
  switch (arg.kind()) {
    case Kind::none:
      return;
    case Kind::leaf:
      if (!y_true.is_leaf() || !y_pred.is_leaf()) {
        fail<ValueError>(
            {"compile", "An output with metrics needs targets, and one tensor",
             fmt::format("targets {}, output {}", describe_structure(y_true), describe_structure(y_pred)),
             ""});
      }
      out.push_back(metric_of(arg.leaf(), y_true.tensor(), y_pred.tensor()));
      return;
    case Kind::list:
      for (const auto& item : arg.list()) collect(item, y_true, y_pred, out);
      return;
    case Kind::dict: {
      auto items = arg.items();
      std::sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
      for (const auto& [key, item] : items) collect(item, y_true, y_pred, out);
      return;
    }
  }
}

// The arguments of the outputs in flattening order, where `arg` has the structure of `outputs`. False when it
// has another one.
bool match(const MetricsArg& arg, const Nest& outputs, std::vector<const MetricsArg*>& out) {
  if (!is_nested(outputs)) {
    out.push_back(&arg);
    return true;
  }
  if (outputs.is_list()) {
    if (arg.kind() != Kind::list || arg.list().size() != outputs.size()) return false;
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!match(arg.list()[i], outputs[i], out)) return false;
    }
    return true;
  }
  if (arg.kind() != Kind::dict || arg.items().size() != outputs.size()) return false;
  std::vector<std::string> keys;
  for (const auto& [key, item] : outputs.items()) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  for (const auto& key : keys) {
    const MetricsArg* found = arg.find(key);
    if (found == nullptr || !match(*found, outputs[key], out)) return false;
  }
  return true;
}

bool nothing(const MetricsArg& arg) {
  return arg.none() || (arg.kind() == Kind::list && arg.list().empty()) ||
         (arg.kind() == Kind::dict && arg.items().empty());
}

}  // namespace

std::vector<Nest> CompileMetrics::flatten(const Nest& nest) const {
  if (!nest.is_dict() || flattening_names_.empty()) return flatten_with_none(nest);
  std::vector<Nest> out;
  for (const auto& name : flattening_names_) out.push_back(nest[name]);
  return out;
}

std::vector<CompileMetrics::Group> CompileMetrics::resolve(const MetricsArg& arg, const Nest& y_true,
                                                           const Nest& y_pred, bool flat,
                                                           const char* argument) const {
  const auto labels = flatten(y_true), predictions = flatten(y_pred);
  const size_t count = predictions.size();
  std::vector<Group> groups(count);
  if (nothing(arg)) return groups;
  if (count == 1) {
    collect(arg, labels.front(), predictions.front(), groups[0].list);
    return groups;
  }
  const auto& names = flattening_names_.empty() ? output_names_ : flattening_names_;
  std::vector<const MetricsArg*> items;
  if (flat && arg.kind() == Kind::list && arg.list().size() == count) {
    for (const auto& item : arg.list()) items.push_back(&item);
  } else if (flat && arg.kind() == Kind::dict &&
             std::all_of(arg.items().begin(), arg.items().end(), [&](const auto& item) {
               return std::find(names.begin(), names.end(), item.first) != names.end();
             })) {
    for (const auto& name : names) items.push_back(arg.find(name));
  } else if (!match(arg, y_pred, items)) {
    std::vector<std::string> given;
    for (const auto& [key, item] : arg.items()) given.push_back(key);
    fail<ValueError>(
        {"compile",
         fmt::format("With several outputs, {} are a list with one entry per output, given by the names of "
                     "the outputs, or in their structure",
                     argument),
         arg.kind() == Kind::dict ? fmt::format("{}", fmt::join(given, ", "))
                                  : fmt::format("{} entries for {} outputs", arg.list().size(), count),
         fmt::format("{}; their structure: {}", output_names_hint(given, names),
                     describe_structure(y_pred))});
  }
  for (size_t i = 0; i < count; ++i) {
    if (i < names.size()) groups[i].output_name = names[i];
    if (items[i] != nullptr && i < labels.size())
      collect(*items[i], labels[i], predictions[i], groups[i].list);
  }
  return groups;
}

void CompileMetrics::build(const Nest& y_true, const Nest& y_pred) {
  const size_t count = flatten_with_none(y_pred).size();
  const bool flat = is_nested(y_pred) && y_pred.size() == count;
  if (flat && count > 1) {
    // The keys of the outputs are better names than those of the layers that made them.
    if (y_pred.is_dict() && !has_exactly_keys(y_pred, output_names_)) {
      for (const auto& [key, item] : y_pred.items()) flattening_names_.push_back(key);
      std::sort(flattening_names_.begin(), flattening_names_.end());
    } else {
      flattening_names_ = output_names_;
    }
  }
  plain_groups_ = resolve(metrics_, y_true, y_pred, flat, "metrics");
  weighted_groups_ = resolve(weighted_, y_true, y_pred, flat, "weighted_metrics");
  built_ = true;
}

void CompileMetrics::update_state(const Nest& y_true, const Nest& y_pred, const Nest& sample_weight) {
  if (!built_) build(y_true, y_pred);
  const auto labels = flatten(y_true), predictions = flatten(y_pred);
  std::vector<Nest> weights(predictions.size());
  if (!sample_weight.is_none()) {
    weights = flatten(sample_weight);
    if (weights.size() < labels.size()) weights.assign(labels.size(), weights.front());
  }
  for (size_t i = 0; i < predictions.size() && i < labels.size(); ++i) {
    for (const auto& m : plain_groups_[i].list) m->update_state(labels[i].tensor(), predictions[i].tensor());
    const Tensor weight = weights[i].is_leaf() ? weights[i].tensor() : Tensor();
    for (const auto& m : weighted_groups_[i].list) {
      m->update_state(labels[i].tensor(), predictions[i].tensor(), weight);
    }
  }
}

std::vector<std::shared_ptr<Metric>> CompileMetrics::metrics() const {
  std::vector<std::shared_ptr<Metric>> out;
  for (const auto* groups : {&plain_groups_, &weighted_groups_}) {
    for (const auto& g : *groups) out.insert(out.end(), g.list.begin(), g.list.end());
  }
  return out;
}

Logs CompileMetrics::result() const {
  Logs out;
  std::map<std::string, int> counts;
  const auto add = [&](std::string name, const Metric& metric) {
    const int n = counts[name]++;
    if (n > 0) name += "_" + std::to_string(n);
    const Nest value = metric.result();
    if (!value.is_dict()) return out.set(name, value);
    for (const auto& [key, item] : value.items()) out.set(key, item);
  };
  const auto prefixed = [](const Group& g, const std::string& name) {
    return g.output_name.empty() ? name : g.output_name + "_" + name;
  };
  for (const auto& g : plain_groups_) {
    for (const auto& m : g.list) add(prefixed(g, m->name()), *m);
  }
  for (const auto& g : weighted_groups_) {
    for (const auto& m : g.list) {
      const std::string name = prefixed(g, m->name());
      add(counts.contains(name) ? prefixed(g, "weighted_" + m->name()) : name, *m);
    }
  }
  return out;
}

}  // namespace keras::internal
