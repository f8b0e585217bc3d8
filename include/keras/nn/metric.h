// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "keras/nn/object.h"
#include "keras/runtime/variable.h"
#include "keras/tensor/nest.h"

namespace keras {

/// Options that every metric has.
struct MetricOptions {
  std::string name = {};  ///< "": made from the class
  std::optional<DType> dtype = {};
};

/// A number that is accumulated over batches (keras.metrics.Metric): `update_state` for each batch, `result`
/// at any time, `reset_state` before the next epoch. A user's metric overrides the first two.
class Metric : public Configurable {
 public:
  explicit Metric(MetricOptions options = {});
  static constexpr ObjectCategory kCategory = ObjectCategory::metric;
  std::string module() const override { return "keras.metrics"; }

  /// Adds the values of a batch.
  virtual void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) = 0;
  /// A scalar (or, for some metrics, a vector or dictionary).
  virtual Nest result() const = 0;
  /// Sets every state to zero.
  virtual void reset_state();
  /// update_state, then result.
  Nest operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) {
    update_state(y_true, y_pred, sample_weight);
    return result();
  }
  /// +1 when larger is better, -1 when smaller is, 0 when unknown (callbacks with mode "auto" ask).
  virtual int direction() const { return 0; }
  /// A copy with states of its own.
  virtual std::shared_ptr<Metric> clone() const = 0;

  /// Its name in logs.
  const std::string& name() const;
  /// Renames it.
  void set_name(std::string name) { name_ = std::move(name); }
  DType dtype() const { return dtype_; }
  /// Its states.
  virtual std::vector<Variable> variables() const { return variables_; }

  /// "accuracy" is resolved by compile; any other Keras name here. Throws ValueError with the valid names.
  static std::shared_ptr<Metric> from_name(const std::string& name);
  /// A C++ function (y_true, y_pred) -> values whose weighted mean is the metric.
  static std::shared_ptr<Metric> from_callable(std::function<Tensor(const Tensor&, const Tensor&)> f);

 protected:
  /// Makes a state, zeros at first.
  Variable add_variable(const Shape& shape, std::string name, std::optional<DType> dtype = {});

 private:
  mutable std::string name_;
  DType dtype_;
  std::vector<Variable> variables_;
};

namespace internal {

/// Values (with the mask that travels with them) reduced to one per sample, beside their weights.
std::pair<Tensor, Tensor> reduce_to_samplewise(const Tensor& values, Tensor sample_weight, bool mean,
                                               DType dtype);

}  // namespace internal

/// The rows that every metric's field table begins with.
template <class Options>
constexpr auto metric_fields() {
  return field_list(field<&Options::name>("name", "Name of the metric"),
                    field<&Options::dtype>("dtype", "Dtype of states and result"));
}

template <>
struct FieldTable<MetricOptions> {
  static constexpr auto fields = metric_fields<MetricOptions>();
};

/// Registers a metric class of Keras under its name and others.
#define KERAS_REGISTER_METRIC(Class, ...)                       \
  [[maybe_unused]] static const bool keras_registered_##Class = \
      ::keras::internal::register_configured<Class, ::keras::Metric>("keras.metrics", {__VA_ARGS__})

/// A metric whose arguments are one options struct with a field table, on a base (Metric,
/// MeanMetricWrapper...).
template <class Derived, class OptionsType, class Base>
class ConfiguredMetric : public Base {
 public:
  using Options = OptionsType;
  std::string class_name() const override { return Derived::kClassName; }
  Json get_config() const override { return to_config(current()); }
  const Options& options() const { return options_; }
  std::shared_ptr<Metric> clone() const override { return std::make_shared<Derived>(current()); }

 protected:
  template <class... Args>
  explicit ConfiguredMetric(Options options, Args&&... base)
      : Base(std::forward<Args>(base)...), options_(std::move(options)) {}
  /// The options with the name and dtype that the metric has.
  Options current() const {
    Options out = options_;
    out.name = this->name();
    out.dtype = this->dtype();
    return out;
  }
  Options options_;
};

namespace internal {

/// Options with a name where none was given.
inline MetricOptions with_name(MetricOptions options, const char* name) {
  if (options.name.empty()) options.name = name;
  return options;
}

}  // namespace internal

namespace metrics {

/// Sum of weighted values.
class Sum : public Metric {
 public:
  explicit Sum(MetricOptions options = {});
  static constexpr const char* kClassName = "Sum";
  using Options = MetricOptions;
  std::string class_name() const override { return kClassName; }
  Json get_config() const override;
  void update_state(const Tensor& values, const Tensor& sample_weight = {},
                    const Tensor& unused = {}) override;
  Nest result() const override { return total_.value(); }
  std::shared_ptr<Metric> clone() const override;

 private:
  Variable total_;
};

/// Weighted mean of values.
class Mean : public Metric {
 public:
  explicit Mean(MetricOptions options = {});
  static constexpr const char* kClassName = "Mean";
  using Options = MetricOptions;
  std::string class_name() const override { return kClassName; }
  Json get_config() const override;
  void update_state(const Tensor& values, const Tensor& sample_weight = {},
                    const Tensor& unused = {}) override;
  Nest result() const override;
  std::shared_ptr<Metric> clone() const override;

 protected:
  /// Adds values to the mean.
  void accumulate(const Tensor& values, const Tensor& sample_weight);

 private:
  Variable total_;
  Variable count_;
};

/// Weighted mean of a function of labels and predictions.
class MeanMetricWrapper : public Mean {
 public:
  /// A value a sample.
  using Function = std::function<Tensor(const Tensor& y_true, const Tensor& y_pred)>;
  explicit MeanMetricWrapper(Function f, MetricOptions options = {}, int direction = 0);
  std::string class_name() const override { return "MeanMetricWrapper"; }
  void update_state(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) override;
  int direction() const override { return direction_; }
  std::shared_ptr<Metric> clone() const override;

 protected:
  Function function_;
  int direction_;
};

/// A mean over samples of a function of labels and predictions, without options beyond name and dtype.
template <class Derived>
class NamedMeanMetric : public MeanMetricWrapper {
 public:
  using Options = MetricOptions;
  std::string class_name() const override { return Derived::kClassName; }
  Json get_config() const override { return to_config(MetricOptions{name(), dtype()}); }
  std::shared_ptr<Metric> clone() const override {
    return std::make_shared<Derived>(MetricOptions{name(), dtype()});
  }

 protected:
  NamedMeanMetric(Function f, MetricOptions options, int direction)
      : MeanMetricWrapper(std::move(f), std::move(options), direction) {}
};

}  // namespace metrics
}  // namespace keras
