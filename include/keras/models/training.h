// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keras/models/batch_source.h"
#include "keras/models/callback.h"
#include "keras/nn/loss.h"
#include "keras/nn/metric.h"
#include "keras/nn/optimizer.h"
#include "keras/tensor/nest.h"

namespace keras {

/// Something given once, as a list (one per output), or by output name: losses, loss weights and metrics in
/// `compile`. Names are given with `named`: `.loss = named<LossArg>({{"class", "mse"}, {"box", "mae"}})`.
template <class Leaf>
class PerOutput {
 public:
  /// An output's name and what belongs to it.
  using Item = std::pair<std::string, PerOutput>;
  /// How it is given.
  enum class Kind : uint8_t { none, leaf, list, dict };

  PerOutput() = default;
  PerOutput(std::nullptr_t) {}  // NOLINT: Python'"'"'s None
  template <class T>
  requires(std::is_constructible_v<Leaf, T> && !std::is_same_v<std::remove_cvref_t<T>, PerOutput>)
      PerOutput(T&& leaf)
      : kind_(Kind::leaf), leaf_(std::forward<T>(leaf)) {}  // NOLINT: leaves convert by design
  PerOutput(std::initializer_list<PerOutput> list) : kind_(Kind::list), list_(list) {}
  PerOutput(std::vector<PerOutput> list) : kind_(Kind::list), list_(std::move(list)) {}  // NOLINT
  /// By the names of the outputs.
  static PerOutput dict(std::vector<Item> items) {
    PerOutput out;
    out.kind_ = Kind::dict;
    out.items_ = std::move(items);
    return out;
  }

  /// How it is given, and its parts.
  Kind kind() const { return kind_; }
  bool none() const { return kind_ == Kind::none; }
  const Leaf& leaf() const { return leaf_; }
  const std::vector<PerOutput>& list() const { return list_; }
  const std::vector<Item>& items() const { return items_; }
  /// What belongs to a name; null for none.
  const PerOutput* find(const std::string& name) const {
    for (const auto& item : items_) {
      if (item.first == name) return &item.second;
    }
    return nullptr;
  }

 private:
  Kind kind_ = Kind::none;
  Leaf leaf_{};
  std::vector<PerOutput> list_;
  std::vector<Item> items_;
};

/// A loss by name, instance or callable; the name is kept because "crossentropy" is resolved by the data.
class LossSpec {
 public:
  LossSpec() = default;
  LossSpec(const char* name) : name_(name) {}             // NOLINT
  LossSpec(std::string name) : name_(std::move(name)) {}  // NOLINT
  template <class T>
  requires(!std::is_convertible_v<T, std::string> && std::is_constructible_v<ObjectRef<Loss>, T> &&
           !std::is_same_v<std::remove_cvref_t<T>, LossSpec>) LossSpec(T&& loss)
      : loss_(std::forward<T>(loss)) {}  // NOLINT
  const std::string& name() const { return name_; }
  const ObjectRef<Loss>& loss() const { return loss_; }

 private:
  std::string name_;
  ObjectRef<Loss> loss_;
};

/// A metric by name, instance or callable; "accuracy" is resolved by the data.
class MetricSpec {
 public:
  MetricSpec() = default;
  MetricSpec(const char* name) : name_(name) {}             // NOLINT
  MetricSpec(std::string name) : name_(std::move(name)) {}  // NOLINT
  template <class T>
  requires(!std::is_convertible_v<T, std::string> && std::is_constructible_v<ObjectRef<Metric>, T> &&
           !std::is_same_v<std::remove_cvref_t<T>, MetricSpec>) MetricSpec(T&& metric)
      : metric_(std::forward<T>(metric)) {}  // NOLINT
  const std::string& name() const { return name_; }
  const ObjectRef<Metric>& metric() const { return metric_; }

 private:
  std::string name_;
  ObjectRef<Metric> metric_;
};

/// The kinds of arguments of compile, for one output or several.
using LossArg = PerOutput<LossSpec>;
using LossWeightsArg = PerOutput<double>;
using MetricsArg = PerOutput<MetricSpec>;

/// By output name: `.loss = named<LossArg>({{"class", "mse"}, {"box", "mae"}})`.
template <class Arg>
Arg named(std::vector<std::pair<std::string, Arg>> items) {
  return Arg::dict(std::move(items));
}

/// Arguments of Model::compile, as in Keras.
struct CompileOptions {
  ObjectRef<Optimizer> optimizer = {};  ///< none: "rmsprop"
  LossArg loss = {};                    ///< for every output, or one each
  LossWeightsArg loss_weights = {};     ///< of the sum of the losses
  MetricsArg metrics = {};              ///< computed without sample weights
  MetricsArg weighted_metrics = {};     ///< computed with sample weights
  bool run_eagerly = false;             ///< no tracing of the step
  int64_t steps_per_execution = 1;      ///< batches between two looks at callbacks
  std::optional<bool> jit_compile =
      {};                       ///< kept for files; none: "auto". How a step runs is the backend's affair
  bool auto_scale_loss = true;  ///< under mixed_float16, wrap the optimizer in a LossScaleOptimizer
};

inline constexpr int kVerboseAuto = -1;

/// After which epochs fit judges the validation data: every n-th, or those whose numbers (from 1) are listed.
class ValidationFrequency {
 public:
  ValidationFrequency(int64_t every) : every_(every) {}  // NOLINT: numbers convert
  ValidationFrequency(std::initializer_list<int64_t> epochs) : listed_(true), epochs_(epochs) {}   // NOLINT
  ValidationFrequency(std::vector<int64_t> epochs) : listed_(true), epochs_(std::move(epochs)) {}  // NOLINT

  /// Whether the epochs are listed.
  bool listed() const { return listed_; }
  /// The distance of judged epochs; 0 when they are listed.
  int64_t every() const { return every_; }
  /// Whether an epoch, counted from 0, is judged.
  bool includes(int64_t epoch) const {
    if (!listed_) return every_ != 0 && (epoch + 1) % every_ == 0;
    return std::find(epochs_.begin(), epochs_.end(), epoch + 1) != epochs_.end();
  }

 private:
  bool listed_ = false;
  int64_t every_ = 0;
  std::vector<int64_t> epochs_;
};

/// Arguments of Model::fit, as in Keras.
struct FitOptions {
  std::optional<int64_t> batch_size = {};        ///< 32 when not given
  int64_t epochs = 1;                            ///< when to stop: the number of the last epoch
  int verbose = kVerboseAuto;                    ///< 0 silent, 1 progress bar, 2 one line per epoch
  std::vector<CallbackHandle> callbacks = {};    ///< called in this order
  double validation_split = 0.0;                 ///< share of the samples, from the end, that is only judged
  ValidationData validation_data = {};           ///< samples that are only judged
  bool shuffle = true;                           ///< new order of samples every epoch
  std::map<int64_t, double> class_weight = {};   ///< weight of each class in the loss
  Nest sample_weight = {};                       ///< one number a sample
  int64_t initial_epoch = 0;                     ///< where a continued training begins
  std::optional<int64_t> steps_per_epoch = {};   ///< none: all batches
  std::optional<int64_t> validation_steps = {};  ///< none: all batches
  std::optional<int64_t> validation_batch_size = {};  ///< none: batch_size
  ValidationFrequency validation_freq = 1;  ///< when to judge: every n epochs, or after those listed
};

/// Arguments of Model::evaluate, as in Keras.
struct EvaluateOptions {
  std::optional<int64_t> batch_size = {};      ///< none: 32
  int verbose = kVerboseAuto;                  ///< 0 silent, 1 progress bar, 2 one line an epoch
  Nest sample_weight = {};                     ///< one number a sample
  std::optional<int64_t> steps = {};           ///< none: all batches
  std::vector<CallbackHandle> callbacks = {};  ///< called in this order
};

/// Arguments of Model::predict, as in Keras.
struct PredictOptions {
  std::optional<int64_t> batch_size = {};      ///< none: 32
  int verbose = kVerboseAuto;                  ///< 0 silent, 1 progress bar, 2 one line an epoch
  std::optional<int64_t> steps = {};           ///< none: all batches
  std::vector<CallbackHandle> callbacks = {};  ///< called in this order
};

}  // namespace keras
