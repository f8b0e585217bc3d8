// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "keras/nn/object.h"
#include "keras/tensor/tensor.h"

namespace keras {

/// What a weight is mapped to after every optimizer step (keras.constraints.Constraint).
class Constraint : public Configurable {
 public:
  static constexpr ObjectCategory kCategory = ObjectCategory::constraint;
  std::string module() const override { return "keras.constraints"; }
  virtual Tensor operator()(const Tensor& w) const = 0;
  /// "max_norm", "non_neg", "unit_norm", "min_max_norm". Throws ValueError with the valid names.
  static std::shared_ptr<Constraint> from_name(const std::string& name);
  static std::shared_ptr<Constraint> from_callable(std::function<Tensor(const Tensor&)> f);
};

}  // namespace keras
