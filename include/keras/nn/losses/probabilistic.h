// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "keras/nn/loss.h"

namespace keras {

namespace losses {

/// sum(y_true log(y_true / y_pred)) over the last axis (keras.losses.kl_divergence).
Tensor kl_divergence(const Tensor& y_true, const Tensor& y_pred);
/// The mean of y_pred - y_true log(y_pred) over the last axis (keras.losses.poisson).
Tensor poisson(const Tensor& y_true, const Tensor& y_pred);

/// kl_divergence, reduced (keras.losses.KLDivergence).
class KLDivergence : public PlainLoss<KLDivergence> {
 public:
  static constexpr const char* kClassName = "KLDivergence";
  static constexpr const char* kName = "kl_divergence";
  explicit KLDivergence(LossOptions options = {}) : PlainLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override {
    return kl_divergence(y_true, y_pred);
  }
};

/// poisson, reduced (keras.losses.Poisson).
class Poisson : public PlainLoss<Poisson> {
 public:
  static constexpr const char* kClassName = "Poisson";
  static constexpr const char* kName = "poisson";
  explicit Poisson(LossOptions options = {}) : PlainLoss(std::move(options)) {}

 protected:
  Tensor values(const Tensor& y_true, const Tensor& y_pred) const override { return poisson(y_true, y_pred); }
};

}  // namespace losses
}  // namespace keras
