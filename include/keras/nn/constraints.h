// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "keras/nn/object.h"
#include "keras/ops/arguments.h"
#include "keras/tensor/tensor.h"

namespace keras {

/// What a weight is mapped to after every optimizer step (keras.constraints.Constraint).
class Constraint : public Configurable {
 public:
  static constexpr ObjectCategory kCategory = ObjectCategory::constraint;
  std::string module() const override { return "keras.constraints"; }
  /// The nearest allowed weight, in the shape and dtype of w.
  virtual Tensor operator()(const Tensor& w) const = 0;
  /// "max_norm", "non_neg", "unit_norm", "min_max_norm". Throws ValueError with the valid names.
  static std::shared_ptr<Constraint> from_name(const std::string& name);
  /// A C++ function as a constraint. It has no name, so a layer that has it cannot be saved.
  static std::shared_ptr<Constraint> from_callable(std::function<Tensor(const Tensor&)> f);
};

/// Arguments of constraints::MaxNorm.
struct MaxNormOptions {
  double max_value = 2;  ///< largest norm
  ops::Axis axis = 0;    ///< axes along which the norm is taken
};

/// Arguments of constraints::NonNeg: none.
struct NonNegOptions {};

/// Arguments of constraints::UnitNorm.
struct UnitNormOptions {
  ops::Axis axis = 0;  ///< axes along which the norm is taken
};

/// Arguments of constraints::MinMaxNorm.
struct MinMaxNormOptions {
  double min_value = 0.0;  ///< smallest norm
  double max_value = 1.0;  ///< largest norm
  double rate = 1.0;       ///< how much of the way is gone at once
  ops::Axis axis = 0;      ///< axes along which the norm is taken
};

template <>
struct FieldTable<MaxNormOptions> {
  using O = MaxNormOptions;
  static constexpr auto fields = field_list(field<&O::max_value>("max_value", "Largest norm"),
                                            field<&O::axis>("axis", "Axes along which the norm is taken"));
};
template <>
struct FieldTable<NonNegOptions> {
  static constexpr auto fields = field_list();
};
template <>
struct FieldTable<UnitNormOptions> {
  static constexpr auto fields =
      field_list(field<&UnitNormOptions::axis>("axis", "Axes along which the norm is taken"));
};
template <>
struct FieldTable<MinMaxNormOptions> {
  using O = MinMaxNormOptions;
  static constexpr auto fields = field_list(field<&O::min_value>("min_value", "Smallest norm"),
                                            field<&O::max_value>("max_value", "Largest norm"),
                                            field<&O::rate>("rate", "How much of the way is gone at once"),
                                            field<&O::axis>("axis", "Axes along which the norm is taken"));
};

/// The constraints of keras.constraints. Norms are Euclidean, along `axis`: 0 for the incoming weights of a
/// Dense unit, {0, 1, 2} for those of a Conv2D filter.
namespace constraints {

/// Norms above max_value are scaled down to it (keras.constraints.MaxNorm).
class MaxNorm : public Configured<MaxNorm, Constraint, MaxNormOptions> {
 public:
  static constexpr const char* kClassName = "MaxNorm";
  explicit MaxNorm(MaxNormOptions options = {}) : Configured(std::move(options)) {}
  explicit MaxNorm(double max_value, const ops::Axis& axis = 0) : MaxNorm(MaxNormOptions{max_value, axis}) {}
  Tensor operator()(const Tensor& w) const override;
};

/// Negative weights become 0 (keras.constraints.NonNeg).
class NonNeg : public Configured<NonNeg, Constraint, NonNegOptions> {
 public:
  static constexpr const char* kClassName = "NonNeg";
  explicit NonNeg(NonNegOptions options = {}) : Configured(options) {}
  Tensor operator()(const Tensor& w) const override;
};

/// Norms become 1 (keras.constraints.UnitNorm).
class UnitNorm : public Configured<UnitNorm, Constraint, UnitNormOptions> {
 public:
  static constexpr const char* kClassName = "UnitNorm";
  explicit UnitNorm(UnitNormOptions options = {}) : Configured(std::move(options)) {}
  Tensor operator()(const Tensor& w) const override;
};

/// Norms are moved into [min_value, max_value], `rate` of the way in each step
/// (keras.constraints.MinMaxNorm).
class MinMaxNorm : public Configured<MinMaxNorm, Constraint, MinMaxNormOptions> {
 public:
  static constexpr const char* kClassName = "MinMaxNorm";
  explicit MinMaxNorm(MinMaxNormOptions options = {}) : Configured(std::move(options)) {}
  MinMaxNorm(double min_value, double max_value, double rate = 1.0, const ops::Axis& axis = 0)
      : MinMaxNorm(MinMaxNormOptions{min_value, max_value, rate, axis}) {}
  Tensor operator()(const Tensor& w) const override;
};

}  // namespace constraints
}  // namespace keras
