// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "keras/nn/loss.h"
#include "keras/ops/arguments.h"

namespace keras {

/// Arguments of losses::Dice.
struct DiceOptions {
  Reduction reduction = Reduction::sum_over_batch_size;
  std::string name = "dice";
  ops::Axis axis = {};  ///< axes that are summed; none: all
  std::optional<DType> dtype = {};
};

/// Arguments of losses::Tversky.
struct TverskyOptions {
  double alpha = 0.5;  ///< weight of false positives
  double beta = 0.5;   ///< weight of false negatives
  Reduction reduction = Reduction::sum_over_batch_size;
  std::string name = "tversky";
  ops::Axis axis = {};  ///< axes that are summed; none: all
  std::optional<DType> dtype = {};
};

template <>
struct FieldTable<DiceOptions> {
  using O = DiceOptions;
  static constexpr auto fields =
      field_list(loss_fields<O>(), field<&O::axis>("axis", "Axes that are summed; none: all"));
};

template <>
struct FieldTable<TverskyOptions> {
  using O = TverskyOptions;
  static constexpr auto fields =
      field_list(loss_fields<O>(), field<&O::alpha>("alpha", "Weight of false positives"),
                 field<&O::beta>("beta", "Weight of false negatives"),
                 field<&O::axis>("axis", "Axes that are summed; none: all"));
};

namespace losses {

/// 1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred)) (keras.losses.dice).
Tensor dice(const Tensor& y_true, const Tensor& y_pred, const ops::Axis& axis = {});
/// 1 - tp / (tp + alpha fp + beta fn), soft counts of true positives and of false positives and negatives
/// (keras.losses.tversky; Salehi et al., 2017).
Tensor tversky(const Tensor& y_true, const Tensor& y_pred, double alpha = 0.5, double beta = 0.5,
               const ops::Axis& axis = {});

/// dice, reduced (keras.losses.Dice).
class Dice : public ConfiguredLoss<Dice, DiceOptions> {
 public:
  static constexpr const char* kClassName = "Dice";
  explicit Dice(DiceOptions options = {}) : ConfiguredLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override;
};

/// tversky, reduced (keras.losses.Tversky).
class Tversky : public ConfiguredLoss<Tversky, TverskyOptions> {
 public:
  static constexpr const char* kClassName = "Tversky";
  explicit Tversky(TverskyOptions options = {}) : ConfiguredLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override;
};

}  // namespace losses
}  // namespace keras
