// SPDX-License-Identifier: Apache-2.0
#include "models/compile_metrics.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "keras/base/error.h"
#include "models/compile_loss.h"

namespace keras::internal {

CompileMetrics::CompileMetrics(MetricsArg metrics, MetricsArg weighted, std::vector<std::string> output_names)
    : metrics_(std::move(metrics)), weighted_(std::move(weighted)), output_names_(std::move(output_names)) {}

namespace {

std::shared_ptr<Metric> make_metric(const MetricSpec& spec, const Tensor& y_true, const Tensor& y_pred) {
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
    metric = Metric::from_name(spec.name());
  }
  metric->set_name(spec.name());
  return metric;
}

void collect(const MetricsArg& arg, const Tensor& y_true, const Tensor& y_pred,
             std::vector<std::shared_ptr<Metric>>& out) {
  switch (arg.kind()) {
    case MetricsArg::Kind::none:
      return;
    case MetricsArg::Kind::leaf:
      out.push_back(make_metric(arg.leaf(), y_true, y_pred));
      return;
    case MetricsArg::Kind::list:
      for (const auto& item : arg.list()) collect(item, y_true, y_pred, out);
      return;
    case MetricsArg::Kind::dict:
      for (const auto& [key, item] : arg.items()) collect(item, y_true, y_pred, out);
      return;
  }
}

}  // namespace

std::vector<CompileMetrics::Group> CompileMetrics::resolve(const MetricsArg& arg,
                                                           const std::vector<Tensor>& y_true,
                                                           const std::vector<Tensor>& y_pred) const {
  const size_t count = y_pred.size();
  std::vector<Group> groups(count);
  if (arg.none()) return groups;
  if (count == 1) {
    if (!y_true.empty()) collect(arg, y_true[0], y_pred[0], groups[0].list);
    return groups;
  }
  const auto name_of = [&](size_t i) { return i < output_names_.size() ? output_names_[i] : std::string(); };
  if (arg.kind() == MetricsArg::Kind::dict) {
    for (const auto& [key, item] : arg.items()) {
      if (std::find(output_names_.begin(), output_names_.end(), key) == output_names_.end()) {
        fail<ValueError>({"compile", "Metrics given by name must name an output of the model", key,
                          fmt::format("outputs: {}", fmt::join(output_names_, ", "))});
      }
    }
  } else if (arg.kind() != MetricsArg::Kind::list || arg.list().size() != count) {
    fail<ValueError>(
        {"compile", "With several outputs, metrics are a list with one entry per output or given by name",
         fmt::format("{} outputs", count), "metrics = {{\"mae\"}, {\"acc\"}} or named<MetricsArg>(...)"});
  }
  for (size_t i = 0; i < count; ++i) {
    const MetricsArg* item = arg.kind() == MetricsArg::Kind::list ? &arg.list()[i] : arg.find(name_of(i));
    groups[i].output_name = name_of(i);
    if (item != nullptr && i < y_true.size()) collect(*item, y_true[i], y_pred[i], groups[i].list);
  }
  return groups;
}

void CompileMetrics::update_state(const Nest& y_true, const Nest& y_pred, const Nest& sample_weight) {
  if (!built_ && y_pred.is_dict()) {
    bool match = output_names_.size() == y_pred.size();
    for (const auto& n : output_names_) match = match && y_pred.contains(n);
    if (!match) {
      output_names_.clear();
      for (const auto& [key, value] : y_pred.items()) output_names_.push_back(key);
      std::sort(output_names_.begin(), output_names_.end());
    }
  }
  const auto labels = flatten_outputs(y_true, output_names_);
  const auto predictions = flatten_outputs(y_pred, output_names_);
  if (!built_) {
    plain_groups_ = resolve(metrics_, labels, predictions);
    weighted_groups_ = resolve(weighted_, labels, predictions);
    built_ = true;
  }
  const auto weights = flatten_outputs(sample_weight, output_names_);
  for (size_t i = 0; i < predictions.size() && i < labels.size(); ++i) {
    for (const auto& m : plain_groups_[i].list) m->update_state(labels[i], predictions[i]);
    const Tensor weight = weights.empty() ? Tensor() : i < weights.size() ? weights[i] : weights[0];
    for (const auto& m : weighted_groups_[i].list) m->update_state(labels[i], predictions[i], weight);
  }
}

std::vector<std::shared_ptr<Metric>> CompileMetrics::metrics() const {
  std::vector<std::shared_ptr<Metric>> out;
  for (const auto* groups : {&plain_groups_, &weighted_groups_}) {
    for (const auto& g : *groups) out.insert(out.end(), g.list.begin(), g.list.end());
  }
  return out;
}

void CompileMetrics::reset_state() {
  for (const auto& m : metrics()) m->reset_state();
}

std::vector<std::pair<std::string, Tensor>> CompileMetrics::result() const {
  std::vector<std::pair<std::string, Tensor>> out;
  std::map<std::string, int> counts;
  const auto add = [&](std::string name, const Metric& metric) {
    const int n = counts[name]++;
    if (n > 0) name += "_" + std::to_string(n);
    const Nest value = metric.result();
    if (value.is_dict()) {
      for (const auto& [key, item] : value.items()) out.emplace_back(key, item.tensor());
    } else {
      out.emplace_back(std::move(name), value.tensor());
    }
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
