// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "keras/nn/object.h"
#include "keras/tensor/tensor.h"

namespace keras {

/// How a loss's values become a number. sum_over_batch_size (and mean, its alias) divides by the number of
/// values, not by the sum of weights; mean_with_sample_weight divides by that.
enum class Reduction : uint8_t { none, sum, sum_over_batch_size, mean, mean_with_sample_weight };

template <>
struct EnumNames<Reduction> {
  static constexpr EnumName<Reduction> names[] = {
      {Reduction::none, "none"},
      {Reduction::sum, "sum"},
      {Reduction::sum_over_batch_size, "sum_over_batch_size"},
      {Reduction::mean, "mean"},
      {Reduction::mean_with_sample_weight, "mean_with_sample_weight"}};
};

/// A reduction's name; null, which Keras also takes, reads as none.
template <>
struct FieldCodec<Reduction> {
  static std::string kind() { return "str or null"; }
  static Json to_json(Reduction value);
  static Reduction from_json(const Json& json, std::string_view where);
};

/// Options that every loss has.
struct LossOptions {
  Reduction reduction = Reduction::sum_over_batch_size;
  std::string name = {};            ///< "": a name made from the class
  std::optional<DType> dtype = {};  ///< dtype of the computation; none: floatx
};

/// The base of all losses (keras.losses.Loss). A user's loss overrides `call`.
class Loss : public Configurable {
 public:
  explicit Loss(LossOptions options = {});
  static constexpr ObjectCategory kCategory = ObjectCategory::loss;
  std::string module() const override { return "keras.losses"; }

  /// The values before reduction, one per sample (and step).
  virtual Tensor call(const Tensor& y_true, const Tensor& y_pred) const = 0;
  /// Weighted by `sample_weight`, by the mask that travels with y_pred, and reduced.
  Tensor operator()(const Tensor& y_true, const Tensor& y_pred, const Tensor& sample_weight = {}) const;

  const std::string& name() const { return base_.name; }
  Reduction reduction() const { return base_.reduction; }
  /// In what it is computed.
  DType dtype() const;

  /// "mse", "sparse_categorical_crossentropy", "MeanSquaredError"...; throws ValueError with the valid names.
  static std::shared_ptr<Loss> from_name(const std::string& name);
  /// A C++ function (y_true, y_pred) -> values, averaged over the batch.
  static std::shared_ptr<Loss> from_callable(std::function<Tensor(const Tensor&, const Tensor&)> f);

 private:
  LossOptions base_;
};

/// The rows that every loss's field table begins with (dtype is no part of a loss's config).
template <class Options>
constexpr auto loss_fields() {
  return field_list(field<&Options::name>("name", "Name of the loss"),
                    field<&Options::reduction>("reduction", "How the values become a number"));
}

template <>
struct FieldTable<LossOptions> {
  static constexpr auto fields = loss_fields<LossOptions>();
};

namespace internal {

/// Removes or adds a last axis of 1 where the ranks differ by one, as Keras does before weighting.
std::pair<Tensor, Tensor> squeeze_or_expand_to_same_rank(Tensor a, Tensor b, bool expand_rank_1 = true);
/// Sample weights with a mask multiplied in; either may be undefined.
Tensor apply_mask(Tensor sample_weight, const Tensor& mask, DType dtype, Reduction reduction);
/// A loss's values, weighted and reduced.
Tensor reduce_weighted_values(Tensor values, Tensor sample_weight, const Tensor& mask, Reduction reduction,
                              DType dtype);

}  // namespace internal

/// A loss of Keras' own whose arguments are one options struct with a field table. A derived class overrides
/// `values`.
template <class Derived, class OptionsType>
class ConfiguredLoss : public Loss {
 public:
  using Options = OptionsType;
  std::string class_name() const override { return Derived::kClassName; }
  Json get_config() const override { return to_config(options_); }
  const Options& options() const { return options_; }
  Tensor call(const Tensor& y_true, const Tensor& y_pred) const final {
    const auto [labels, predictions] = internal::squeeze_or_expand_to_same_rank(y_true, y_pred);
    return values(labels, predictions);
  }

 protected:
  /// The values before reduction; the ranks agree, unless labels are classes.
  virtual Tensor values(const Tensor& y_true, const Tensor& y_pred) const = 0;

  explicit ConfiguredLoss(Options options)
      : Loss({options.reduction, options.name, options.dtype}), options_(std::move(options)) {}
  Options options_;
};

/// A loss without arguments beyond those of every loss. `Derived` has `static constexpr const char* kName`,
/// its default name.
template <class Derived>
class PlainLoss : public ConfiguredLoss<Derived, LossOptions> {
 protected:
  explicit PlainLoss(LossOptions options) : ConfiguredLoss<Derived, LossOptions>(named(std::move(options))) {}

 private:
  static LossOptions named(LossOptions options) {
    if (options.name.empty()) options.name = Derived::kName;
    return options;
  }
};

/// Registers a loss class of Keras under its name and the names of its function.
#define KERAS_REGISTER_LOSS(Class, ...)                         \
  [[maybe_unused]] static const bool keras_registered_##Class = \
      ::keras::internal::register_configured<Class, ::keras::Loss>("keras.losses", {__VA_ARGS__})

}  // namespace keras
