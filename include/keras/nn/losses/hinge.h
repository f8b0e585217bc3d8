// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/loss.h"

namespace keras {

namespace losses {

/// The mean of max(1 - y_true y_pred, 0) over the last axis; labels are -1 or 1, or 0 or 1
/// (keras.losses.hinge).
Tensor hinge(const Tensor& y_true, const Tensor& y_pred);
/// The mean of max(1 - y_true y_pred, 0)^2 over the last axis; labels are -1 or 1, or 0 or 1
/// (keras.losses.squared_hinge).
Tensor squared_hinge(const Tensor& y_true, const Tensor& y_pred);
/// max(neg - pos + 1, 0): pos is the prediction for the one-hot label, neg the largest other one
/// (keras.losses.categorical_hinge).
Tensor categorical_hinge(const Tensor& y_true, const Tensor& y_pred);

/// hinge, reduced (keras.losses.Hinge).
class Hinge : public PlainLoss<Hinge> {
 public:
  static constexpr const char* kClassName = "Hinge";
  static constexpr const char* kName = "hinge";
  explicit Hinge(LossOptions options = {}) : PlainLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override { return hinge(y_true, y_pred); }
};

/// squared_hinge, reduced (keras.losses.SquaredHinge).
class SquaredHinge : public PlainLoss<SquaredHinge> {
 public:
  static constexpr const char* kClassName = "SquaredHinge";
  static constexpr const char* kName = "squared_hinge";
  explicit SquaredHinge(LossOptions options = {}) : PlainLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override {
    return squared_hinge(y_true, y_pred);
  }
};

/// categorical_hinge, reduced (keras.losses.CategoricalHinge).
class CategoricalHinge : public PlainLoss<CategoricalHinge> {
 public:
  static constexpr const char* kClassName = "CategoricalHinge";
  static constexpr const char* kName = "categorical_hinge";
  explicit CategoricalHinge(LossOptions options = {}) : PlainLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override {
    return categorical_hinge(y_true, y_pred);
  }
};

}  // namespace losses
}  // namespace keras
